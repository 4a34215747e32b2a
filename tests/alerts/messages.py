"""An alert's message as tests need it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.channels.message import AlertMessage, EventCounts, Link, ListedAlert, MessageKind
from events.ingest.types import Severity

NOW = datetime(2026, 11, 28, 3, 14, tzinfo=UTC)


def a_message(**changes: Any) -> AlertMessage:
    return replace(
        AlertMessage(
            kind=MessageKind.FIRING,
            severity=Severity.CRITICAL,
            alert_id="a-17",
            title="Checkout fails",
            at=NOW,
            since=NOW - timedelta(minutes=12),
            what="214 of 1,020 requests failed in 5 minutes (21.0 %, limit 5 %).",
            where="lift api, production, /api/checkout",
            users_count=37,
            growth="Three times as many as 5 minutes ago.",
            newest_example="PaymentError: card <declined> & gone\n  at pay()",
            likely_cause="Release 2.4.1, out for 14 minutes.",
            runbook_url="https://runbooks.example/checkout",
            url="https://liftmon.example/alerts/17",
            links=(Link("Acknowledge", "https://liftmon.example/a/ack?token=1&x=2"),),
            labels={"service": "lift-api", "endpoint": "/api/checkout", "name": "api_error"},
            event_counts=EventCounts(214, 300, (1, 2, 40, 90, 81)),
        ),
        **changes,
    )


def resolved(**changes: Any) -> AlertMessage:
    return a_message(kind=MessageKind.RESOLVED, resolved_at=NOW, **changes)


def a_storm(count: int = 500, listed: int = 500, resolved_count: int = 20) -> AlertMessage:
    alerts = tuple(
        ListedAlert(
            alert_id=f"a-{number}",
            title=f"Endpoint {number} fails",
            severity=Severity.CRITICAL if number == 300 else Severity.ERROR,
            since=NOW - timedelta(seconds=number),
            where="lift api",
            url=f"https://liftmon.example/alerts/{number}",
            labels={"service": "lift-api", "endpoint": f"/api/{number}"},
            resolved_at=NOW if number < resolved_count else None,
        )
        for number in range(listed)
    )
    return a_message(title="Much fails at once", alerts=alerts, alerts_count=count)
