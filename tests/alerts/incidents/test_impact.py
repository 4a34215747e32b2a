"""Whom and what an incident hurt, counted by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from alerts.incidents import opening
from alerts.incidents.impact import Impact, impact_of, users_hurt
from alerts.models import AlertRule, Incident
from events.models import Issue
from events.retention import forget_expired
from events.rollups import compact
from tests.alerts.incidents.making import fire_grave, make_incident
from tests.alerts.sending import make_rule
from tests.events.conftest import Sender
from tests.events.conftest import make_sender as make_sender

pytestmark = pytest.mark.django_db
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()


def failure(user: str, at: datetime, **more: Any) -> dict[str, Any]:
    values = {
        "event": "payment_error",
        "severity": "error",
        "message": "x",
        "endpoint": "/api/pay",
        "environment": "production",
    }
    return {**values, "user_id": user, "timestamp": at.isoformat(), **more}


def answer(status: int, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "event": "api_response_time", "endpoint": "/api/pay", "data": {"status": status, "duration_ms": 12},
        "timestamp": at.isoformat(), **more,
    }  # fmt: skip


def impact(incident: Incident, *, now: datetime) -> Impact:
    """And that the users who are named are those who are counted."""
    incident.refresh_from_db()
    alerts = list(incident.alerts.select_related("rule"))
    found = impact_of(incident, alerts, now=now)
    named = users_hurt(incident, alerts, now=now)
    assert len(set(named)) == len(named) == (found.users_count or 0)
    return found


def of_payments(sender: Sender, *, at: datetime) -> Incident:
    rule = make_rule(opens_incident=True, severities=["error"], group_by=["service", "endpoint"])
    fire_grave({"service": str(sender.service.pk), "endpoint": "/api/pay"}, at=at, rule=rule)
    return Incident.objects.get()


@pytest.mark.parametrize("is_folded", [True, False])
def test_it_counts_users_and_requests_of_its_alerts_within_its_time(sender: Sender, is_folded: bool) -> None:
    now = timezone.now()
    start = now - timedelta(minutes=20)
    incident = of_payments(sender, at=start)
    inside, before = start + timedelta(minutes=5), start - timedelta(minutes=5)
    sender.store(
        *(failure(user, inside) for user in ("u1", "u2", "u2")), failure("u3", before),
        failure("u4", inside, endpoint="/api/other"), failure("u5", inside, severity="info"),
        *(answer(status, inside) for status in (200, 200, 502, 502, 502, 502)),
    )  # fmt: skip
    if is_folded:
        compact()

    found = impact(incident, now=now)

    assert (found.users_count, found.failed_count, found.requests_count) == (2, 4, 6)
    assert found.endpoints == (("/api/pay", 4),)


def test_a_user_counts_once_whether_folded_or_not(sender: Sender) -> None:
    now = timezone.now()
    incident = of_payments(sender, at=now - timedelta(minutes=20))
    sender.store(*(failure(user, now - timedelta(minutes=9)) for user in ("u1", "u2")))
    compact()
    sender.store(*(failure(user, now - timedelta(minutes=3)) for user in ("u2", "u3")))

    assert impact(incident, now=now).users_count == 3


def test_after_its_end_it_counts_no_more(sender: Sender) -> None:
    now = timezone.now()
    incident = of_payments(sender, at=now - HOUR)
    Incident.objects.update(ended_at=now - timedelta(minutes=30))
    sender.store(failure("u1", now - timedelta(minutes=40)), failure("u2", now - timedelta(minutes=10)))

    assert impact(incident, now=now).users_count == 1


@pytest.mark.parametrize("hours", [3, 30])
def test_over_hours_it_counts_the_middle_by_the_hour_and_the_edges_by_the_minute(sender: Sender, hours: int) -> None:
    now = timezone.now().replace(minute=30, second=0, microsecond=0) - timedelta(days=2)
    start = now - hours * HOUR
    incident = of_payments(sender, at=start)
    Incident.objects.update(ended_at=now)
    moments = [start - 2 * MINUTE, start, start + 45 * MINUTE, now - MINUTE, now + 2 * MINUTE]
    sender.store(*(failure(f"u{number}", at) for number, at in enumerate(moments)))
    compact()

    found = impact(incident, now=timezone.now())

    assert (found.users_count, found.failed_count) == (3, 3)


@pytest.mark.parametrize("days", [20, 120])
def test_of_an_old_incident_it_counts_what_is_still_kept(sender: Sender, days: int) -> None:
    now = timezone.now()
    start = (now - timedelta(days=days)).replace(hour=10, minute=15, second=0, microsecond=0)
    incident = of_payments(sender, at=start)
    Incident.objects.update(ended_at=start + timedelta(minutes=20))
    for user in ("u1", "u2"):
        # Counted as it came then: what is late by days is refused.
        at = start + timedelta(minutes=3)
        sender.store(failure(user, at), at=at)
    compact()
    forget_expired(now=now)

    assert impact(incident, now=now).users_count == 2


def test_of_one_without_alerts_it_counts_those_of_its_issues(sender: Sender) -> None:
    now = timezone.now()
    sender.store(
        failure("u1", now - timedelta(minutes=2)), failure("u2", now - timedelta(minutes=2), event="other_error")
    )
    incident = opening.open_from_issue(Issue.objects.get(name="payment_error").pk, by=None, at=now)

    assert impact(incident, now=now).users_count == 1


def test_of_one_that_names_only_a_service_it_counts_all_its_failures(sender: Sender, make_sender: Any) -> None:
    now = timezone.now()
    incident = make_incident(at=now - timedelta(minutes=5), service=sender.service)
    sender.store(failure("u1", now), failure("u2", now, event="other_error"))
    make_sender("other").store(failure("u3", now))

    assert impact(incident, now=now).users_count == 2


def test_of_one_that_names_nothing_nothing_is_known() -> None:
    assert impact(make_incident(), now=timezone.now()) == Impact()


def test_more_alerts_cost_no_more_queries(sender: Sender) -> None:
    now = timezone.now()
    rule = make_rule(opens_incident=True)
    fire_grave({"service": str(sender.service.pk)}, at=now, rule=rule)
    incident = Incident.objects.get()
    alerts = list(incident.alerts.select_related("rule"))
    with CaptureQueriesContext(connection) as few:
        impact_of(incident, alerts, now=now)
    for number in range(5):
        fire_grave({"service": str(sender.service.pk), "name": f"n{number}"}, at=now)
    alerts = list(incident.alerts.select_related("rule"))
    assert len(alerts) == 6

    with CaptureQueriesContext(connection) as many:
        impact_of(incident, alerts, now=now)

    assert len(many) == len(few)
