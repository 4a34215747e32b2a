"""What would go wrong at night: people who cannot be reached, shifts that nobody covers, steps that tell nobody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.formats import date_format

from alerts.models import ContactPoint, EscalationPolicy, EscalationStep, OnCallSchedule, Tells
from alerts.models.on_call import name_of, with_people
from alerts.on_call import rotation

AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Problem:
    """One sentence of what is wrong and what helps, and what it is about: a schedule, a policy or both, by their ids."""

    sentence: str
    schedule_ids: tuple[int, ...] = ()
    policy_ids: tuple[int, ...] = ()


def problems(*, now: datetime) -> list[Problem]:
    """All of them, gaps first. A fixed number of queries."""
    schedules = list(with_people(OnCallSchedule.objects.order_by("name"), since=now))
    steps = EscalationStep.objects.select_related("person", "schedule").prefetch_related("channels")
    policies = list(EscalationPolicy.objects.order_by("name").prefetch_related(Prefetch("steps", steps)))
    reachable = set(ContactPoint.objects.working().values_list("person_id", flat=True))
    return [
        *(problem for schedule in schedules for problem in _gaps(schedule, now)),
        *(problem for policy in policies for problem in _steps(policy)),
        *_unreachable(schedules, policies, reachable),
    ]


def _gaps(schedule: OnCallSchedule, now: datetime) -> Iterable[Problem]:
    about = (schedule.pk,)
    if not schedule.members.all() and not schedule.shifts.all():
        yield Problem(f"Nobody is in the rotation of {schedule}: add people.", schedule_ids=about)
        return
    found = rotation.gaps(schedule.rotation(), schedule.overrides(), now, now + AHEAD)
    for gap in found:
        since = "now" if gap.starts_at == now else f"from {_at(gap.starts_at)}"
        until = f"until {_at(gap.ends_at)}" if gap.ends_at < now + AHEAD else "for the rest of the next 14 days"
        yield Problem(
            f"Nobody is on call on {schedule} {since} {until}: add a shift, or somebody to the rotation.",
            schedule_ids=about,
        )


def _steps(policy: EscalationPolicy) -> Iterable[Problem]:
    about = (policy.pk,)
    steps = policy.ordered_steps()
    if not steps:
        yield Problem(f"Policy {policy} has no step and tells nobody: add one.", policy_ids=about)
    for place, step in enumerate(steps, start=1):
        if step.tells == Tells.CHANNELS and not any(one.is_enabled for one in step.channels.all()):
            yield Problem(
                f"Step {place} of policy {policy} tells nobody: choose a channel that is switched on.", policy_ids=about
            )


def _unreachable(
    schedules: Iterable[OnCallSchedule], policies: Iterable[EscalationPolicy], reachable: set[int]
) -> Iterable[Problem]:
    people: dict[int, User] = {}
    in_schedules: dict[int, set[OnCallSchedule]] = {}
    in_policies: dict[int, set[EscalationPolicy]] = {}
    for schedule in schedules:
        for person in {one.person for one in schedule.members.all()} | {one.person for one in schedule.shifts.all()}:
            people[person.pk] = person
            in_schedules.setdefault(person.pk, set()).add(schedule)
    for policy in policies:
        for step in policy.steps.all():
            if step.person is not None:
                people[step.person.pk] = step.person
                in_policies.setdefault(step.person.pk, set()).add(policy)
    for person in sorted(people.values(), key=name_of):
        if person.pk in reachable:
            continue
        places = [*in_schedules.get(person.pk, ()), *in_policies.get(person.pk, ())]
        where = ", ".join(sorted(str(one) for one in places))
        why = (
            "has no contact that was tested: ask them to add one under My contacts"
            if person.is_active
            else "can no longer sign in: put somebody else there"
        )
        yield Problem(
            f"{name_of(person)} ({where}) cannot be told: {name_of(person)} {why}.",
            schedule_ids=tuple(sorted(one.pk for one in in_schedules.get(person.pk, ()))),
            policy_ids=tuple(sorted(one.pk for one in in_policies.get(person.pk, ()))),
        )


def _at(at: datetime) -> str:
    return date_format(timezone.localtime(at), "D j M H:i")
