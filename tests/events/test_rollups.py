"""Counters by minute, hour and day, and latency histograms: exact before, during and after compaction."""

from collections import Counter
from datetime import timedelta
from random import Random

import pytest
from django.db.models import Sum
from django.utils import timezone

from events.latency import bucket_of, percentile
from events.models import DayRollup, Event, EventRollup, HourRollup, UserActivity
from events.rollups import compact, events_per_day, latency_histogram
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _traffic(sender: Sender) -> None:
    """Three batches, compacted, unfolded and in between, over ten days."""
    random = Random(11)
    for part in range(3):
        sender.store(
            *(
                {
                    "event": "api_response_time",
                    "endpoint": f"/api/{random.randrange(2)}",
                    "user_id": f"u{random.randrange(9)}",
                    "duration_ms": random.lognormvariate(5, 1),
                    "timestamp": (timezone.now() - timedelta(minutes=random.randrange(14_000))).isoformat(),
                }
                for _ in range(100)
            )
        )
        if part < 2:
            compact()


def test_minutes_hours_and_days_tell_the_same() -> None:
    for model in (EventRollup, HourRollup, DayRollup, UserActivity):
        assert model.objects.aggregate(total=Sum("event_count"))["total"] == 300
    compact()
    for model in (EventRollup, HourRollup, DayRollup, UserActivity):
        assert model.objects.aggregate(total=Sum("event_count"))["total"] == 300


def test_a_day_is_what_its_events_are() -> None:
    start = timezone.now() - timedelta(days=90)
    days = Counter(
        at.replace(hour=0, minute=0, second=0, microsecond=0)
        for at in Event.objects.values_list("occurred_at", flat=True)
    )

    assert events_per_day(start=start, end=timezone.now() + timedelta(days=1)) == days


def test_a_chart_of_90_days_reads_a_row_a_day_and_kind() -> None:
    compact()

    assert DayRollup.objects.filter(endpoint="/api/0").count() <= 11
    assert EventRollup.objects.filter(endpoint="/api/0").count() > 100


def test_percentiles_come_from_summed_histograms() -> None:
    durations = sorted(Event.objects.values_list("duration_ms", flat=True))
    histogram = latency_histogram(start=timezone.now() - timedelta(days=90), end=timezone.now() + timedelta(hours=1))

    assert histogram == Counter(bucket_of(duration or 0) for duration in durations)
    assert percentile(histogram, 0.95) == pytest.approx(durations[284], rel=0.01)


def test_a_histogram_can_be_of_one_endpoint() -> None:
    start, end = timezone.now() - timedelta(days=90), timezone.now() + timedelta(hours=1)
    parts = [latency_histogram(start=start, end=end, endpoint=endpoint) for endpoint in ("/api/0", "/api/1")]

    assert sum(sum(part.values()) for part in parts) == 300
    assert all(parts)
