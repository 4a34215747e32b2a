"""Counters by minute, hour and day, and latency histograms: exact before, during and after compaction."""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from events import rollups
from events.ingest.configured_scrubber import scrubber
from events.latency import bucket_of, percentile
from events.models import DayRollup, Event, EventRollup, HourRollup, LatencyRollup, Release
from events.rollups import compact
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


def latency_histogram(*, start: datetime, end: datetime, **filters: Any) -> dict[int, int]:
    """Events per latency bucket of the hours from ``start`` up to ``end``; `events.latency.percentile` reads it.

    ``filters`` are field lookups of LatencyRollup, such as ``service_id=3`` or ``endpoint="/api/career"``.
    """
    rows = LatencyRollup.objects.filter(hour__gte=start, hour__lt=end, **filters).values_list("bucket")
    return dict(rows.annotate(total=Sum("event_count")).values_list("bucket", "total"))


def events_per_day(*, start: datetime, end: datetime, **filters: Any) -> dict[datetime, int]:
    """Events per day (UTC) from ``start`` up to ``end``; ``filters`` are field lookups of DayRollup."""
    rows = DayRollup.objects.filter(day__gte=start, day__lt=end, **filters).values_list("day")
    return dict(rows.annotate(total=Sum("event_count")).values_list("day", "total"))


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
    for model in (EventRollup, HourRollup, DayRollup):
        assert model.objects.aggregate(total=Sum("event_count"))["total"] == 300
    compact()
    for model in (EventRollup, HourRollup, DayRollup):
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


def users() -> list[int]:
    """How many different users the counters of minutes, hours and days know."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(DISTINCT user_id) FROM events_user_minutes), "
            "(SELECT sum(bit_count(users)) FROM (SELECT bit_or(users) AS users FROM events_users_hours GROUP BY chunk) AS sets), "
            "(SELECT sum(bit_count(users)) FROM (SELECT bit_or(users) AS users FROM events_users_days GROUP BY chunk) AS sets)"
        )
        return [int(count) for count in cursor.fetchone()]


def test_users_are_counted_exactly_at_every_grain(sender: Sender) -> None:
    # More than one chunk of numbers.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('events_usernumber', 'id'), 16381 + max(id)) FROM events_usernumber"
        )
    sender.store(*({"event": "api_error", "user_id": f"new {number}"} for number in (1, 2, 3, 4, 2, 1)))
    sender.store({"event": "api_error"})
    compact()
    compact()
    sender.store({"event": "api_error", "user_id": "new 1"})
    compact()

    assert users() == [13, 13, 13]


def test_failures_and_unanswered_requests_are_counted_for_their_users(sender: Sender) -> None:
    at = timezone.now().replace(second=30)
    for status in (200, 404, 500, 503):
        sender.store({"event": "api_response_time", "status": status, "user_id": "ann", "timestamp": at.isoformat()})
    sender.store(*({"event": "api_error", "level": "error", "user_id": user} for user in ("ann", "ann", "bob", "")))
    sender.store({"event": "feature_used", "user_id": "ann"})
    compact()

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT user_hash, name, sum(event_count)::int FROM events_userfailure_minutes AS failures
            JOIN events_usernumber AS known ON known.id = user_id JOIN events_series AS series ON series.id = series_id
            GROUP BY 1, 2
            """
        )
        ann, bob = scrubber().hash_user("ann"), scrubber().hash_user("bob")
        assert set(cursor.fetchall()) == {(ann, "api_response_time", 2), (ann, "api_error", 2), (bob, "api_error", 1)}


def test_failures_of_a_day_are_one_number_of_all_users(sender: Sender) -> None:
    at = timezone.now() - timedelta(days=1)
    # More than one chunk of 512.
    with connection.cursor() as cursor:
        cursor.execute("SELECT setval(pg_get_serial_sequence('events_usernumber', 'id'), 509)")
    met = {f"user {number}": number for number in range(1, 7)}
    for user, times in met.items():
        failure = {"event": "api_error", "level": "error", "user_id": user, "timestamp": at.isoformat()}
        sender.store(*(failure for _ in range(times)), {**failure, "level": "info"})
        compact()

    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT user_hash, mod(div(failures, ('1e' || 12 * mod(id, 512))::numeric), 1e12)::int
            FROM events_failures_days JOIN events_usernumber ON chunk = id / 512 WHERE day < now() - interval '1 day'
            """
        )
        found = dict(cursor.fetchall())
        cursor.execute("SELECT count(DISTINCT chunk) FROM events_failures_days")
        (chunks,) = cursor.fetchone()
    assert {user: found.get(scrubber().hash_user(user)) for user in met} == met
    assert chunks == 2


def test_users_know_their_first_and_last_day(sender: Sender) -> None:
    today = timezone.now().replace(hour=12)
    for days in (3, 5, 1):
        sender.store({"event": "login", "user_id": "anna", "timestamp": (today - timedelta(days=days)).isoformat()})
        compact()

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT first_day, last_day FROM events_usernumber WHERE user_hash = %s", [scrubber().hash_user("anna")]
        )
        assert cursor.fetchone() == ((today - timedelta(days=5)).date(), (today - timedelta(days=1)).date())


def test_releases_know_when_they_were_first_and_last_heard_of(sender: Sender) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    for hours, environment in ((3, "production"), (5, "staging"), (1, "production"), (2, "production")):
        at = (now - timedelta(hours=hours)).isoformat()
        sender.store({"event": "login", "release": "lift@7", "environment": environment, "timestamp": at})
        compact()

    found = Release.objects.filter(release="lift@7").order_by("environment")
    assert [(one.environment, one.first_seen_at, one.last_seen_at) for one in found] == [
        ("production", now - timedelta(hours=3), now - timedelta(hours=1)),
        ("staging", now - timedelta(hours=5), now - timedelta(hours=5)),
    ]


def test_what_comes_while_it_folds_waits_for_the_next_time(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and users are looked up first: a fact that comes between has neither, and is neither lost nor counted without."""
    compact()
    sender.store({"event": "api_error", "user_id": "late"})
    for looked_up in ((), (rollups.ADD_SERIES,)):
        with monkeypatch.context() as patch:
            patch.setattr(rollups, "ADD_WORDS", looked_up)
            assert compact() == 0

    assert compact() == 1
    assert DayRollup.objects.filter(name="api_error").aggregate(total=Sum("event_count"))["total"] == 1


def test_durations_beyond_all_measure_do_not_stop_the_counting(sender: Sender) -> None:
    sender.store(
        *({"event": "slow", "duration_ms": 1e308} for _ in range(3)), {"event": "slow", "duration_seconds": 1e308}
    )

    assert compact() > 0
    assert DayRollup.objects.filter(name="slow").aggregate(total=Sum("event_count"))["total"] == 4


def test_labels_are_counted_apart(sender: Sender) -> None:
    sender.store(
        {"event": "trial_conversion", "data": {"trial_type": "7_day", "converted": True}},
        {"event": "trial_conversion", "data": {"trial_type": "7_day", "converted": "false"}},
        {"event": "feature_used", "data": {"feature": "career", "duration_seconds": 12}},
    )
    compact()

    found = DayRollup.objects.exclude(labels={}).order_by("name", "labels__converted").values_list("labels", flat=True)
    assert list(found) == [
        {"feature": "career"},
        {"trial_type": "7_day", "converted": "false"},
        {"trial_type": "7_day", "converted": "true"},
    ]
    assert Event.objects.get(name="feature_used").duration_ms == 12_000


def test_a_long_backlog_is_folded_to_its_end(sender: Sender) -> None:
    """Beyond a quarter of shared_buffers PostgreSQL lets a scan begin in the middle of the table."""
    compact()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_fact SELECT %s, 'api_error', 'error', repeat('x', 450), '', '', '{}', now(), number::text, "
            "NULL, NULL, 1, 0, 0 FROM generate_series(1, 110000) AS number",
            [sender.service.pk],
        )

    assert compact() == 110_000


def test_a_large_batch_is_gone_through_once_whatever_the_planner_believes(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a VACUUM of tables that were empty: the whole batch was gone through for each user."""
    monkeypatch.setattr(rollups, "_MANY", 30)
    sender.store(*({"event": "api_timeout", "user_id": f"u-{number}"} for number in range(40)))
    plans: list[str] = []

    def explain(execute: Any, statement: str, parameters: Any, *more: Any) -> Any:
        if statement == rollups._FOLD:
            with connection.connection.cursor() as cursor:
                plans.append("\n".join(line for (line,) in cursor.execute(f"EXPLAIN {statement}")))
        return execute(statement, parameters, *more)

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_class SET reltuples = 0, relpages = 50 WHERE relname IN ('events_usernumber', 'events_series')"
        )
    with connection.execute_wrapper(explain):
        assert compact() > 40

    (plan,) = plans
    assert "Join" in plan
    assert "Nested Loop" not in plan
