"""Who is told next while nobody acknowledges.

When an alert fires, every step of its policies is written down with the time at which it is due, counted from the moment at which
it fired: a process that was away takes what became due meanwhile, and nothing moves because it was. Whoever takes a step holds the
alert's row, as whoever acknowledges does, so that after an acknowledgement no step is taken. Two that take steps at once take each
once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.contrib.auth.models import User
from django.db import transaction

from alerts.models import (
    Alert,
    AlertEntry,
    AlertState,
    Channel,
    ContactPoint,
    EntryKind,
    EscalationDue,
    EscalationPolicy,
    EscalationState,
    EscalationStep,
    NotificationKind,
    OnCallSchedule,
    Route,
    Tells,
)
from alerts.models.on_call import name_of, with_people
from alerts.on_call.rotation import on_call_at
from alerts.outbox import inhibiting, quiet_hours, telling

logger = structlog.get_logger(__name__)
_AT_ONCE = 500


def begin(alert: Alert, *, at: datetime) -> None:
    """Write down the steps that an alert has ahead of it which fires now, and take those that are due at once."""
    if alert.acknowledged_at is not None:
        return
    # What comes and goes is told of when it stays (alerts.outbox.telling).
    first_at = at + telling.STAYS if telling.why_flapping(alert, at=at) else at
    rows: list[EscalationDue] = []
    for policy in _policies_of(alert):
        steps = policy.ordered_steps()
        rows += [
            EscalationDue(
                alert=alert, policy=policy, step=steps[due.place], number=number, due_at=first_at + due.after
            )
            for number, due in enumerate(policy.dues(), start=len(rows) + 1)
        ]  # fmt: skip
    if rows:
        EscalationDue.objects.bulk_create(rows, ignore_conflicts=True)
        _take(alert, now=at)


def stop(alert: Alert, *, at: datetime, why: str) -> int:
    """No further step is taken; how many that are."""
    waiting = alert.escalation_dues.filter(state=EscalationState.WAITING)
    return waiting.update(state=EscalationState.STOPPED, settled_at=at, said=why[:500])


def take_due(*, now: datetime) -> int:
    """Take the steps that are due, each once however many do this at the same time; how many were taken."""
    due = EscalationDue.objects.filter(state=EscalationState.WAITING, due_at__lte=now)
    taken = 0
    for alert_id in list(due.order_by("alert_id").values_list("alert_id", flat=True).distinct()[:_AT_ONCE]):
        with transaction.atomic():
            locked = Alert.objects.select_for_update(skip_locked=True, of=("self",))
            alert = locked.select_related("rule").filter(pk=alert_id).first()
            if alert is not None:
                taken += _take(alert, now=now)
    return taken


def _take(alert: Alert, *, now: datetime) -> int:
    """Of one alert, whose row is held."""
    if alert.state != AlertState.FIRING or alert.acknowledged_at is not None:
        stop(alert, at=now, why="It was over, or acknowledged.")
        return 0
    waiting: dict[int, list[EscalationDue]] = {}
    for row in alert.escalation_dues.filter(state=EscalationState.WAITING).order_by("number"):
        waiting.setdefault(row.policy_id, []).append(row)
    is_inhibited = bool(waiting) and inhibiting.inhibitor_of(alert) is not None
    taken = 0
    for rows in waiting.values():
        if is_inhibited and rows[0].due_at < now:
            _put_off(rows, now - rows[0].due_at)
        while rows and rows[0].due_at <= now and not is_inhibited:
            free_at = telling.muted_until(alert, at=rows[0].due_at)
            if free_at > now:
                break  # a silence may still end earlier than it says
            if free_at > rows[0].due_at:
                _put_off(rows, free_at - rows[0].due_at)
                continue
            _tell(alert, rows.pop(0), at=now)
            taken += 1
    return taken


def _put_off(rows: Sequence[EscalationDue], by: timedelta) -> None:
    """What was muted goes on where it stood: nobody is told of all of the steps at once when a silence ends."""
    for row in rows:
        row.due_at += by
    EscalationDue.objects.bulk_update(rows, ["due_at"])


def _tell(alert: Alert, row: EscalationDue, *, at: datetime) -> None:
    told = whom(row.step, at=row.due_at)
    row.state = EscalationState.TOLD if told.channels else EscalationState.NOBODY
    row.settled_at, row.said = at, told.in_words[:500]
    row.save(update_fields=["state", "settled_at", "said"])
    fired_at = alert.fired_at or at
    due_at = max(row.due_at, fired_at + timedelta(seconds=alert.rule.group_wait_seconds))
    telling.write(alert, told.channels, NotificationKind.FIRING, row.number, at=at, due_at=due_at)
    text = f"Escalation by {row.policy}, step {row.number}: {told.in_words}"
    AlertEntry.objects.create(alert=alert, kind=EntryKind.NOTED, at=at, text=text[:500])
    if not told.channels:
        logger.error("escalation_reached_nobody", alert=alert.pk, policy=row.policy_id, reason=told.problem)


# --- Whom a step tells ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """Whom a step reaches, and through which channels. ``problem``: why nobody, as a sentence; "" otherwise."""

    who: str
    channels: list[Channel] = field(default_factory=list)
    problem: str = ""

    @property
    def in_words(self) -> str:
        """“Told Ada (E-mail).”, or the problem."""
        if self.problem:
            return self.problem
        return f"Told {self.who}."


def whom(step: EscalationStep | None, *, at: datetime) -> Told:
    """Whom a step tells that is taken at a moment."""
    if step is None:
        return Told("nobody", problem="Reached nobody: the step was taken out of the policy.")
    if step.tells == Tells.CHANNELS:
        channels = [one for one in step.channels.all().order_by("name") if one.is_enabled]
        names = ", ".join(one.name for one in channels)
        return Told(names or "nobody", channels, "" if channels else "Reached nobody: no channel of the step is on.")
    if step.tells == Tells.PERSON:
        assert step.person is not None  # noqa: S101 - a check constraint of the table
        return _by_contacts(step.person)
    assert step.schedule_id is not None  # noqa: S101 - a check constraint of the table
    schedule = with_people(OnCallSchedule.objects.filter(pk=step.schedule_id), since=at).get()
    person = on_call(schedule, at=at)
    if person is None:
        return Told("nobody", problem=f"Reached nobody: nobody is on call on {schedule}.")
    return _by_contacts(person)


def on_call(schedule: OnCallSchedule, *, at: datetime) -> User | None:
    """Who is on call; ``schedule`` as `with_people` gives it."""
    return people_of(schedule).get(on_call_at(schedule.rotation(), schedule.overrides(), at) or 0)


def person_on_call(alert: Alert, *, at: datetime) -> User | None:
    """Who is on call for it now, by the first step of its policies that tells whoever is."""
    for policy in _policies_of(alert):
        for step in policy.ordered_steps():
            if step.tells == Tells.ON_CALL and step.schedule_id is not None:
                schedules = OnCallSchedule.objects.filter(pk=step.schedule_id)
                return on_call(with_people(schedules, since=at).get(), at=at)
    return None


def people_of(schedule: OnCallSchedule) -> dict[int, User]:
    """Everybody who is in its rotation or stands in, by id."""
    people = [one.person for one in schedule.members.all()] + [one.person for one in schedule.shifts.all()]
    return {person.pk: person for person in people}


def _by_contacts(person: User) -> Told:
    contacts = ContactPoint.objects.working().filter(person=person).select_related("channel").order_by("pk")
    channels = [one.channel for one in contacts]
    if not channels:
        return Told(name_of(person), problem=f"Reached nobody: {name_of(person)} has no contact that was tested.")
    kinds = ", ".join(dict.fromkeys(one.get_kind_display() for one in channels))
    return Told(f"{name_of(person)} ({kinds})", channels)


def _routes_of(alert: Alert) -> list[Route]:
    return telling.routes_taking(alert, telling.enabled_routes())


def _policies_of(alert: Alert) -> list[EscalationPolicy]:
    ids = list(dict.fromkeys(route.policy_id for route in _routes_of(alert) if route.policy_id is not None))
    found = EscalationPolicy.objects.prefetch_related("steps").in_bulk(ids) if ids else {}
    return [found[pk] for pk in ids]


# --- Before it matters ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Who would be told ``after`` an alert fires. ``waits_until``: by channel, for those in quiet hours then."""

    after: timedelta
    by: str
    told: Told
    waits_until: dict[Channel, datetime] = field(default_factory=dict)


def foresee(alert: Alert, *, now: datetime) -> list[Foreseen]:
    """Who would be told if this alert, which need not be saved, fired now and nobody acknowledged it. In the order of time."""
    found = [
        _foreseen(timedelta(), f"route {route}", Told(_names(enabled), enabled), alert, now)
        for route in _routes_of(alert)
        if (enabled := [one for one in route.channels.all() if one.is_enabled])
    ]
    for policy in _policies_of(alert):
        steps = policy.ordered_steps()
        found += [
            _foreseen(due.after, f"policy {policy}", whom(steps[due.place], at=now + due.after), alert, now)
            for due in policy.dues()
        ]
    return sorted(found, key=lambda one: one.after)


def _foreseen(after: timedelta, by: str, told: Told, alert: Alert, now: datetime) -> Foreseen:
    ends = quiet_hours.ends([one.pk for one in told.channels], severity=alert.severity, at=now + after)
    return Foreseen(after, by, told, {one: ends[one.pk] for one in told.channels if one.pk in ends})


def _names(channels: Iterable[Channel]) -> str:
    return ", ".join(sorted(one.name for one in channels))
