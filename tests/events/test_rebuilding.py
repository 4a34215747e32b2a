"""Counters against events."""

from datetime import timedelta
from io import StringIO
from random import Random
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from events.latency import bucket_of
from events.models import FingerprintUser, Issue, IssueFingerprint
from events.rebuilding import compare, complete_since, rebuild
from events.rollups import LATENCY_BUCKET, compact
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(sender: Sender) -> Sender:
    random = Random(5)
    for _ in range(3):
        sender.store(
            *(
                {
                    "event": random.choice(
                        ["api_timeout", "feature_used", "api_error", "api_response_time", "trial_conversion"]
                    ),
                    "endpoint": f"/api/{random.randrange(4)}",
                    "feature": random.choice(["career", "interview"]),
                    "message": f"step {random.choice('abc')} failed",
                    "user_id": f"u{random.randrange(6)}",
                    "duration_ms": random.choice([None, 0, random.random() * 5000]),
                    "timestamp": (timezone.now() - timedelta(hours=random.randrange(200))).isoformat(),
                }
                for _ in range(40)
            )
        )
        compact()
    return sender


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_counters_that_ingest_wrote_equal_the_events(filled: Sender) -> None:
    found = compare(since=complete_since())

    assert found.differences == []
    assert found.events == 120


@pytest.mark.parametrize(
    ("damage", "counter"),
    [
        (
            "UPDATE events_count_minutes SET event_count = event_count + 3 WHERE series_id % 2 = 0",
            "events_count_minutes",
        ),
        ("DELETE FROM events_count_minutes WHERE series_id % 3 = 0", "events_count_minutes"),
        ("UPDATE events_count_hours SET duration_count = duration_count - 1", "events_count_hours"),
        ("UPDATE events_count_hours SET duration_ms = duration_ms + 1", "events_count_hours"),
        ("DELETE FROM events_count_days", "events_count_days"),
        ("UPDATE events_bucket_minutes SET event_count = 7", "events_bucket_minutes"),
        ("DELETE FROM events_latency_hours WHERE series_id % 2 = 0", "events_latency_hours"),
        ("UPDATE events_latency_days SET histogram = histogram + 1", "events_latency_days"),
        ("DELETE FROM events_user_minutes WHERE series_id % 2 = 0", "events_user_minutes"),
        ("UPDATE events_users_hours SET users = ~users", "events_users_hours"),
        ("UPDATE events_users_days SET users = users << 1", "events_users_days"),
        ("UPDATE events_people_hours SET users = ~users WHERE severity = 'error'", "events_people_hours"),
        ("DELETE FROM events_people_days WHERE severity = 'info'", "events_people_days"),
        ("UPDATE events_nameusers_hours SET users = ~users WHERE name = 'api_error'", "events_nameusers_hours"),
        ("DELETE FROM events_nameusers_days", "events_nameusers_days"),
        ("DELETE FROM events_featureusers_hours", "events_featureusers_hours"),
        ("UPDATE events_featureusers_days SET users = ~users", "events_featureusers_days"),
        ("UPDATE events_hurtusers_hours SET users = users >> 1", "events_hurtusers_hours"),
        ("DELETE FROM events_hurtusers_days", "events_hurtusers_days"),
        ("UPDATE events_endpointusers_hours SET users = ~users", "events_endpointusers_hours"),
        ("DELETE FROM events_endpointusers_days", "events_endpointusers_days"),
        ("DELETE FROM events_endpointlatency_hours", "events_endpointlatency_hours"),
        ("UPDATE events_endpointlatency_days SET histogram = 3 * histogram", "events_endpointlatency_days"),
        ("UPDATE events_namecounts_hours SET event_count = event_count + 1", "events_namecounts_hours"),
        ("DELETE FROM events_namecounts_days WHERE severity = 'error'", "events_namecounts_days"),
        ("UPDATE events_featurecounts_hours SET duration_count = duration_count + 1", "events_featurecounts_hours"),
        ("DELETE FROM events_featurecounts_days", "events_featurecounts_days"),
        ("UPDATE events_trialcounts_hours SET event_count = 7 * event_count", "events_trialcounts_hours"),
        ("DELETE FROM events_trialcounts_days", "events_trialcounts_days"),
        ("UPDATE events_people_fives SET users = ~users WHERE severity = 'error'", "events_people_fives"),
        ("UPDATE events_hurtanywhere_days SET users = users << 1", "events_hurtanywhere_days"),
        ("UPDATE events_failuresanywhere_days SET failures = 2 * failures", "events_failuresanywhere_days"),
        ("DELETE FROM events_hurtusers_fives", "events_hurtusers_fives"),
        ("UPDATE events_endpointlatency_fives SET histogram = histogram + 1", "events_endpointlatency_fives"),
        ("UPDATE events_namecounts_minutes SET event_count = event_count - 1", "events_namecounts_minutes"),
        ("DELETE FROM events_featurecounts_minutes WHERE is_use", "events_featurecounts_minutes"),
        ("UPDATE events_failures_days SET failures = failures + 5e24", "events_failures_days"),
        ("DELETE FROM events_failures_days", "events_failures_days"),
        ("UPDATE events_userfailure_minutes SET event_count = 99", "events_userfailure_minutes"),
        ("UPDATE events_issue_hours SET event_count = event_count + 1", "events_issue_hours"),
        ("UPDATE events_issuefingerprint SET event_count = 1000000", "events_issuefingerprint"),
        ("UPDATE events_issue SET event_count = 0, user_count = 7", "events_issue"),
        ("DELETE FROM events_fingerprintuser WHERE fingerprint_id % 2 = 0", "events_fingerprintuser"),
    ],
)
def test_what_is_wrong_is_found_and_put_right(filled: Sender, damage: str, counter: str) -> None:
    before = (
        list(Issue.objects.order_by("id").values_list("event_count", "user_count")),
        list(IssueFingerprint.objects.order_by("id").values_list("event_count", flat=True)),
        FingerprintUser.objects.count(),
    )
    execute(damage)

    assert counter in {name for name, _, _ in compare(since=complete_since()).differences}
    rebuild(since=complete_since())

    assert compare(since=complete_since()).differences == []
    assert before == (
        list(Issue.objects.order_by("id").values_list("event_count", "user_count")),
        list(IssueFingerprint.objects.order_by("id").values_list("event_count", flat=True)),
        FingerprintUser.objects.count(),
    )


def test_the_bucket_of_a_duration_is_the_same_in_sql(sender: Sender) -> None:
    random = Random(3)
    durations = [0.0, 0.0099, 0.01, 1.0, 1e12, 1e15, *(10 ** random.uniform(-3, 7) for _ in range(5000))]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {LATENCY_BUCKET} FROM unnest(%s::float8[]) WITH ORDINALITY AS given (duration_ms, place) ORDER BY place",
            [durations],
        )
        buckets = [row[0] for row in cursor.fetchall()]

    assert buckets == [bucket_of(duration) for duration in durations]


def test_the_window_begins_where_every_tier_is_whole(sender: Sender) -> None:
    since = complete_since()
    oldest = since + timedelta(days=7)
    execute(f"DROP TABLE events_event_weekly_{since:%G}w{since:%V}")

    assert complete_since() == oldest


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("rebuildrollups", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_command_says_that_all_is_well(filled: Sender) -> None:
    assert "The counters equal the events: 120 events" in run("--check")


def test_the_command_checks_without_changing_and_then_corrects(filled: Sender) -> None:
    execute("UPDATE events_issue SET event_count = event_count + 1")

    with pytest.raises(CommandError, match="counters differ"):
        run("--check")
    with pytest.raises(CommandError, match="counters differ"):
        run("--check")
    assert "were put right" in run()
    assert "The counters equal the events" in run("--check")


def test_the_command_takes_a_day(filled: Sender) -> None:
    tomorrow: Any = timezone.now().date() + timedelta(days=1)

    assert "0 events" in run("--check", "--since", tomorrow.isoformat())
