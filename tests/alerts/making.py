"""Rules, alerts and channels for tests."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from alerts.channels.kinds import KINDS
from alerts.models import Alert, AlertRule, Channel, Notification
from alerts.sealing import seal

SLACK_URL = "https://hooks.slack.com/services/T0/B0/abcdefghijklmnop"


def make_rule(condition: str = "event", **fields: Any) -> AlertRule:
    rule = AlertRule(**{"name": "Rule", "severity": "critical", "condition": condition, **fields})
    rule.full_clean()
    rule.save()
    return rule


def make_alert(rule: AlertRule, *, at: datetime | None = None, **fields: Any) -> Alert:
    """One that fired and is resolved."""
    at = at or timezone.now() - timedelta(hours=1)
    values = {
        "group_key": f"{Alert.objects.count()}", "state": "resolved", "severity": rule.severity, "started_at": at,
        "fired_at": at, "held_at": at, "judged_at": at, "summary": "It is broken",
    }  # fmt: skip
    return Alert.objects.create(rule=rule, **values | fields)


def make_channel(
    name: str = "Pager", kind: str = "email", *, settings: dict[str, str] | None = None, **fields: Any
) -> Channel:
    sealed = seal(KINDS[kind].validated(settings or {"to": "ada@studentlift.org"}))
    return Channel.objects.create(name=name, kind=kind, sealed_settings=sealed, **fields)


def make_notification(
    channel: Channel, alert: Alert | None = None, *, at: datetime | None = None, **fields: Any
) -> Notification:
    at = at or timezone.now()
    values = {"kind": "firing", "state": "dead", "created_at": at, "due_at": at, "settled_at": at, "attempt_count": 10}
    return Notification.objects.create(channel=channel, alert=alert, **values | fields)
