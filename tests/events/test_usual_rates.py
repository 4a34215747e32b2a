from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from events.models import Service
from events.usual_rates import LEAST_ALLOWANCE, SPIKE_FACTOR, allowance_of, learn_usual_rates
from tests.events.conftest import Sender

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)


def counted(service: Service, *events_an_hour: int) -> None:
    with connection.cursor() as cursor:
        for number, events in enumerate(events_an_hour, start=1):
            cursor.execute(
                "INSERT INTO events_fact VALUES (%s, 'api_error', 'error', '/a', '', '', '{}', %s, '', NULL, NULL, %s, 0, 0)",
                [service.pk, NOW - timedelta(hours=number), events],
            )


@pytest.mark.django_db
def test_a_service_with_history_gets_an_allowance_of_many_times_its_busy_hours(sender: Sender) -> None:
    counted(sender.service, *[60_000] * 96, *[600_000] * 3)

    assert learn_usual_rates(now=NOW) == 1
    sender.service.refresh_from_db()
    assert sender.service.spike_allowance == 1_000 * SPIKE_FACTOR


@pytest.mark.django_db
def test_a_service_without_history_has_none(sender: Sender) -> None:
    counted(sender.service, *[60_000] * 40)

    assert learn_usual_rates(now=NOW) == 0
    sender.service.refresh_from_db()
    assert sender.service.spike_allowance is None


def test_a_quiet_service_may_send_some_anyway() -> None:
    assert allowance_of(3) == LEAST_ALLOWANCE
    assert allowance_of(None) is None


@pytest.mark.django_db
def test_what_goes_far_beyond_is_refused_until_the_guard_is_turned_off(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()  # of one minute
    monkeypatch.setattr(timezone, "now", lambda: now)
    Service.objects.update(spike_allowance=3)
    event: dict[str, Any] = {"event": "feature_used"}
    assert [sender.post(event).status_code for _ in range(4)] == [200, 200, 200, 429]

    Service.objects.update(has_spike_guard=False)
    assert sender.post(event).status_code == 200
