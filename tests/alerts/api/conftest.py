from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.models import Alert, AlertEntry, AlertRule, AlertState, Channel, EntryKind, Notification, Route
from alerts.sealing import seal
from events.models import TokenScope
from tests.events.api.v1.conftest import Caller
from tests.events.api.v1.conftest import make_caller as make_caller
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import make_sender as make_sender
from tests.events.conftest import sender as sender

NOUNS = ("alert", "alertrule", "silence", "maintenancewindow", "channel", "route", "notification", "incident")
EVERY_RIGHT = tuple(f"{verb}_{noun}" for verb in ("view", "add", "change", "delete") for noun in NOUNS)


@pytest.fixture(autouse=True)
def _nothing_of_the_guide(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        AlertRule.objects.all().delete()
        Route.objects.all().delete()


@pytest.fixture
def reader(make_caller: Callable[..., Caller]) -> Caller:
    """May read all of alerts and change nothing."""
    return make_caller(*(f"view_{noun}" for noun in NOUNS), name="eve")


@pytest.fixture
def operator(make_caller: Callable[..., Caller]) -> Caller:
    """May do everything."""
    return make_caller(*EVERY_RIGHT, scope=TokenScope.ALERTS)


@pytest.fixture
def rule(db: None) -> AlertRule:
    return AlertRule.objects.create(
        name="Provider fails", condition="threshold", parameters={"limit": 5, "window_seconds": 600}, severity="warning",
        group_by=["ai_provider"], runbook="Ask them.",
    )  # fmt: skip


@pytest.fixture
def channel(db: None) -> Channel:
    settings = {"webhook_url": "https://hooks.slack.com/services/T0/B0/secretsecretXy12"}
    return Channel.objects.create(name="Slack", kind="slack", sealed_settings=seal(settings))


@pytest.fixture
def alert(rule: AlertRule) -> Alert:
    return make_alert(rule)


def make_alert(rule: AlertRule, *, minutes_ago: int = 5, **fields: Any) -> Alert:
    """One that fires."""
    at = timezone.now() - timedelta(minutes=minutes_ago)
    provider = fields.pop("provider", "openai")
    values = {"state": AlertState.FIRING, "severity": rule.severity, "labels": {"ai_provider": provider}, **fields}
    found = Alert.objects.create(
        rule=rule, group_key=provider, started_at=at, fired_at=at, held_at=at, judged_at=at, value=9.0, threshold=5.0,
        summary="9 events in 10 minutes, limit 5.", **values,
    )  # fmt: skip
    AlertEntry.objects.create(alert=found, kind=EntryKind.FIRED, at=at, text=found.summary)
    return found


def make_notification(channel: Channel, alert: Alert | None, **fields: Any) -> Notification:
    now = timezone.now()
    values: dict[str, Any] = {"kind": "firing", "created_at": now, "due_at": now, **fields}
    return Notification.objects.create(channel=channel, alert=alert, **values)


def fields_at_fault(response: Any) -> list[str]:
    assert response.status_code == 400, response.content
    return [error["field"] for error in response.json()["errors"]]
