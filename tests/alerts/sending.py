"""Rules, alerts and channels as the tests of telling need them."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from alerts.channels.kinds import KINDS
from alerts.channels.webhook import new_secret
from alerts.evaluation import key_of
from alerts.models import Alert, AlertRule, AlertState, Channel, Notification, Route
from alerts.outbox import telling
from alerts.sealing import seal
from tests.alerts.receivers import Receiver

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def make_rule(**fields: Any) -> AlertRule:
    values = {"name": "Rule", "severity": "critical", "condition": "event", **fields}
    return AlertRule.objects.create(**values)


def make_channel(kind: str, name: str = "", **values: str) -> Channel:
    settings = KINDS[kind].validated(values)
    return Channel.objects.create(
        name=name or f"{kind} {Channel.objects.count()}", kind=kind, sealed_settings=seal(settings)
    )


def webhook(receiver: Receiver, name: str = "") -> Channel:
    return make_channel("webhook", name, url=receiver.url, secret=new_secret())


def slack_bot(receiver: Receiver, name: str = "", **more: str) -> Channel:
    return make_channel("slack", name, token="xoxb-1-2-abcdef", channel="C1", url=receiver.url, **more)


def route(*channels: Channel, **fields: Any) -> Route:
    made = Route.objects.create(**{"position": 1, "name": "All", **fields})
    made.channels.set(channels)
    return made


def fire(rule: AlertRule, labels: dict[str, str] | None = None, *, at: datetime | None = None, **fields: Any) -> Alert:
    """An alert that fires now, told as the evaluation does."""
    at, labels = at or timezone.now(), labels or {}
    is_told = fields.pop("is_told", True)
    values = {
        "severity": rule.severity, "started_at": at, "fired_at": at, "held_at": at, "judged_at": at, "summary": "It fails.",
    }  # fmt: skip
    alert = Alert.objects.create(
        rule=rule, labels=labels, group_key=key_of(labels), state=AlertState.FIRING, **{**values, **fields}
    )
    if is_told:
        telling.tell(alert, at=at)
    return alert


def end(alert: Alert, *, at: datetime | None = None) -> None:
    alert.state, alert.resolved_at = AlertState.RESOLVED, at or timezone.now()
    alert.save()
    telling.tell(alert, at=alert.resolved_at)


def told(**wanted: Any) -> list[tuple[str, str, str]]:
    """Channel, kind and state of each notification, the oldest first."""
    rows = Notification.objects.filter(**wanted).select_related("channel").order_by("pk")
    return [(one.channel.name, one.kind, one.state) for one in rows]


def due_now() -> None:
    """As if the pauses between attempts were over."""
    Notification.objects.filter(state="waiting").update(due_at=timezone.now())
