"""Requests made up from the description of the addresses of alerts: no 5xx, every answer as it is described, and what is described
is accepted."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.incidents import handling
from alerts.models import (
    Alert,
    AlertRule,
    Channel,
    EscalationPolicy,
    Incident,
    MaintenanceWindow,
    Notification,
    NotificationAttempt,
    Route,
    Silence,
)
from alerts.rules.guide import load_rules
from alerts.sealing import seal
from events.models import ApiToken, Service, TokenScope
from tests.alerts.api.conftest import make_alert, make_notification
from tests.alerts.incidents.making import make_incident
from tests.events.api.v1.making_up import POSITIVE, allowed, asked, everything, operations
from tests.events.conftest import Sender

_MODELS = {
    "alert_id": Alert, "rule_id": AlertRule, "silence_id": Silence, "window_id": MaintenanceWindow, "channel_id": Channel,
    "route_id": Route, "notification_id": Notification, "incident_id": Incident, "incident": Incident, "alert": Alert,
    "rule": AlertRule, "channel": Channel,
}  # fmt: skip
# What no description can say: what each condition and each kind needs, and that one time follows another.
_MEANT: dict[str, list[dict[str, Any]]] = {
    "create_rule": [
        {"condition": "event", "parameters": {}, "severities": ["error"]},
        {"condition": "latency", "parameters": {"limit_ms": 1000, "window_seconds": 600}},
    ],
    "change_rule": [{"condition": "absence", "parameters": {"window_seconds": 600}, "tag": ""}],
    "create_channel": [
        {"kind": "email", "settings": {"to": "ada@lift.example"}},
        {"kind": "slack", "settings": {"webhook_url": "https://hooks.slack.com/services/T0/B0/x"}},
    ],
    "change_channel": [{"settings": {"to": "eve@lift.example"}}],
    "create_silence": [
        {"matchers": {"endpoint": "/api/*"}, "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2100-01-01T00:00:00Z"},
    ],
    "create_maintenance_window": [{"ends_at": "2100-01-01T00:00:00Z"}],
    "open_incident": [{"title": "Checkout fails"}],
    "note_incident": [{"text": "It is us."}],
    "create_route": [{"labels": {"rule_name": "*"}}],
    "change_route": [{"labels": {}}],
}  # fmt: skip


@pytest.fixture
def filled(sender: Sender, admin_user: User) -> Sender:
    """Alerts of every state, told in every way."""
    load_rules(AlertRule, Route)
    now = timezone.now()
    channels = [
        Channel.objects.create(name=name, kind="email", sealed_settings=seal({"to": "ada@lift.example"}))
        for name in ("One", "Two")
    ]
    rules = list(AlertRule.objects.order_by("pk"))
    for number, state in enumerate(("pending", "firing", "firing", "resolved")):
        alert = make_alert(rules[number], state=state, evidence={"odd": [None, {"deep": number}]})
        for told in ("waiting", "sent", "dead", "muted"):
            one = make_notification(channels[number % 2], alert, kind="repeat", number=len(told + state), state=told)
            NotificationAttempt.objects.create(notification=one, at=now, is_accepted=False, took_ms=1)
            channels.reverse()
    EscalationPolicy.objects.create(name="Whoever is on call")
    for severity in (1, 2, 3):
        made = make_incident(severity=severity, service=sender.service)
        handling.acknowledge(made.pk, by=admin_user, at=now)
    for hours in (-2, 0, 2):
        starts_at = now + timedelta(hours=hours)
        span = {"starts_at": starts_at, "ends_at": starts_at + timedelta(hours=1)}
        Silence.objects.create(matchers={"rule": str(rules[0].pk)}, reason="x", **span)
        MaintenanceWindow.objects.create(name="Release", service=sender.service, author=admin_user, **span)
    return sender


@pytest.fixture
def token(admin_user: User) -> dict[str, str]:
    _, text = ApiToken.issue(admin_user, name="schemathesis", scope=TokenScope.ALERTS)
    return {"Authorization": f"Bearer {text}"}


def answers_as_described(case: Any, filled: Sender, token: dict[str, str]) -> None:
    case.call_and_validate(headers=token, excluded_checks=[POSITIVE])


def accepts_whatever_names_things_that_are_there(case: Any, filled: Sender, token: dict[str, str]) -> None:
    """And the pages before and after as well."""
    mean_something(case)
    answer = case.call_and_validate(headers=token)
    if case.method != "GET":
        return
    for way in ("next", "previous"):
        if answer.json().get(way):
            case.query["cursor"] = parse_qs(urlsplit(answer.json()[way]).query)["cursor"][0]
            case.call_and_validate(headers=token)


def mean_something(case: Any) -> None:
    """Which ids are there, and what belongs together."""
    # Hypothesis holds the common generator still; this one depends on the case alone.
    chance = random.Random(repr((case.path_parameters, case.query, case.body)))
    for values in (case.path_parameters or {}, case.query or {}):
        for name in set(values) & set(_MODELS):
            # All may have been deleted by the requests before.
            values[name] = chance.choice(list(_MODELS[name].objects.order_by("pk").values_list("pk", flat=True)) or [1])
    if "service" in case.query:
        case.query["service"] = chance.choice(list(Service.objects.values_list("slug", flat=True)))
    case.query.pop("cursor", None)
    if case.method == "GET" and not case.path.endswith("}"):
        case.query["limit"] = chance.choice([1, 2, 7, 100])
    if isinstance(case.body, dict):
        mean_body(case.operation.definition.raw["operationId"], case.body, chance)


def mean_body(operation: str, body: dict[str, Any], chance: random.Random) -> None:
    if operation not in _MEANT:
        return
    for name in ("seconds", "starts_at", "severities", "tag"):
        body.pop(name, None)
    body |= chance.choice(_MEANT[operation])
    known = {
        "service": [None, *Service.objects.values_list("slug", flat=True)],
        "owner": [None, "admin"],
        "policy": [None, *EscalationPolicy.objects.values_list("pk", flat=True)],
        "channels": [[], list(Channel.objects.values_list("pk", flat=True))],
    }
    for name in set(body) & set(known):
        body[name] = chance.choice(known[name])
    if operation == "change_channel":
        body.pop("name", None)
    if operation == "create_channel":
        # No two have the same, also when a request is repeated.
        body["name"] = f"Channel {Channel.objects.count()}"


OPERATIONS = operations(of_alerts=True)
for _operation in OPERATIONS:
    _checks: list[tuple[Any, Callable[..., None]]] = [
        (everything, answers_as_described),
        (allowed, accepts_whatever_names_things_that_are_there),
    ]
    globals().update(
        {test.__name__: test for test in (asked(described, _operation, check) for described, check in _checks)}
    )


def test_every_operation_is_asked() -> None:
    assert {"list_alerts", "acknowledge_alert", "change_rule", "test_channel", "send_again"} <= set(OPERATIONS)
    assert all(any(name.startswith(f"test_{operation}_") for name in globals()) for operation in OPERATIONS)
