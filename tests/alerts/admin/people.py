"""Staff who act on alerts, who look at them, and alerts to look at."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.utils import timezone

from alerts.evaluation import key_of
from alerts.models import Alert, AlertEntry, AlertRule, AlertState, EntryKind


def make_person(name: str, *rights: str) -> User:
    """A staff user with these permissions, each written ``app.codename``."""
    person = User.objects.create_user(name, is_staff=True)
    for right in rights:
        app, codename = right.split(".")
        person.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    return person


def on_call(name: str = "ada") -> User:
    return make_person(name, "alerts.view_alert", "alerts.change_alert", "events.view_event", "events.view_issue")


def looker(name: str = "eve") -> User:
    return make_person(name, "alerts.view_alert")


def make_rule(name: str = "Pool", **fields: Any) -> AlertRule:
    return AlertRule.objects.create(name=name, **{"severity": "critical", "condition": "event", **fields})


def make_alert(rule: AlertRule, *, state: str = "firing", at: datetime | None = None, **fields: Any) -> Alert:
    """As an evaluation leaves it: it began ten minutes ago, unless ``at`` says otherwise."""
    began = at or timezone.now() - timedelta(minutes=10)
    labels = fields.pop("labels", {})
    values: dict[str, Any] = {
        "labels": labels, "group_key": key_of(labels), "severity": rule.severity, "started_at": began, "held_at": began,
        "judged_at": began, "summary": f"{rule.name} is empty", "state": state,
    }  # fmt: skip
    if state != AlertState.PENDING:
        values["fired_at"] = began
    if state == AlertState.RESOLVED:
        values["resolved_at"] = began + timedelta(minutes=5)
    alert = Alert.objects.create(rule=rule, **{**values, **fields})
    AlertEntry.objects.create(alert=alert, kind=EntryKind.STARTED, at=began, text=alert.summary)
    return alert
