"""People who can be reached, those who take turns, and alerts that fire."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.utils import timezone

from alerts.models import (
    Alert,
    AlertRule,
    AlertState,
    Channel,
    ContactPoint,
    EscalationPolicy,
    EscalationStep,
    OnCallSchedule,
    RotationMember,
    Route,
)
from alerts.on_call import escalating
from alerts.outbox import telling
from alerts.sealing import seal


def make_person(name: str, *rights: str, is_reachable: bool = True) -> User:
    """A staff user with permissions of the alerts app, and a contact that was tested."""
    person = User.objects.create_user(name, is_staff=True, first_name=name.capitalize())
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="alerts", codename__in=rights))
    if is_reachable:
        make_contact(person)
    return person


def make_contact(person: User, **more: Any) -> ContactPoint:
    name = f"{person.username}: E-mail {Channel.objects.count()}"
    channel = Channel.objects.create(
        name=name, kind="email", sealed_settings=seal({"to": f"{person.username}@example.org"})
    )
    return ContactPoint.objects.create(person=person, channel=channel, **{"verified_at": timezone.now(), **more})


def make_channel(name: str = "Operations", **more: Any) -> Channel:
    return Channel.objects.create(name=name, kind="email", sealed_settings=seal({"to": "ops@example.org"}), **more)


def make_schedule(*people: User, name: str = "Primary", **more: Any) -> OnCallSchedule:
    values = {"starts_on": date(2026, 3, 2), "time_zone": "Europe/Berlin", "hand_over_time": time(9), **more}
    schedule = OnCallSchedule.objects.create(name=name, **values)
    for position, person in enumerate(people):
        RotationMember.objects.create(schedule=schedule, person=person, position=position)
    return schedule


def make_policy(
    *steps: dict[str, Any], name: str = "Page", channels: tuple[Channel, ...] = (), **more: Any
) -> EscalationPolicy:
    """Each step as fields of EscalationStep; those without a person or a schedule tell the channels."""
    policy = EscalationPolicy.objects.create(name=name, **more)
    for position, fields in enumerate(steps):
        tells = "person" if "person" in fields else "on_call" if "schedule" in fields else "channels"
        step = EscalationStep.objects.create(policy=policy, position=position, tells=tells, **fields)
        if tells == "channels":
            step.channels.set(channels)
    return policy


def make_route(policy: EscalationPolicy | None = None, *channels: Channel, **more: Any) -> Route:
    route = Route.objects.create(policy=policy, **{"name": "All", "position": 1, **more})
    route.channels.set(channels)
    return route


def fire(*, at: datetime, rule: AlertRule | None = None, **more: Any) -> Alert:
    """An alert that begins to fire, and what is told of it then."""
    severity = more.pop("severity", "critical")
    rule = rule or AlertRule.objects.create(name="Rule", condition="event", severity=severity, repeat_seconds=0)
    alert = Alert.objects.create(
        rule=rule, group_key="", state=AlertState.FIRING, severity=severity, started_at=at, fired_at=at, held_at=at,
        judged_at=at, summary="It fails", **more,
    )  # fmt: skip
    telling.tell(alert, at=at)
    escalating.begin(alert, at=at)
    return alert


MINUTE = timedelta(minutes=1)
