from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from events.models import DayRollup, Event, EventReceipt, EventRollup, IngestRejection, Issue, IssueRollup
from events.partitions import make_partitions
from events.retention import expired_partitions, forget_expired
from tests.events.conftest import Sender, ago
from tests.events.test_partitions import partitions, week_of

KEPT = {"immediate": 365, "daily": 90, "weekly": 30}
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday, in week 48


@pytest.mark.parametrize(
    ("name", "is_expired"),
    [
        ("events_event_weekly_2026w48", False),
        ("events_event_weekly_2026w43", False),  # late events may still fall in it
        ("events_event_weekly_2026w42", False),  # ended on 19 October: 35 days ago
        ("events_event_weekly_2026w41", True),
        ("events_event_daily_2026w35", False),  # ended on 31 August: 84 days ago
        ("events_event_daily_2026w34", True),
        ("events_event_immediate_2026w34", False),
        ("events_event_immediate_2025w46", True),
        ("events_event_immediate_2025w48", False),
        ("somebody_elses_table", False),
    ],
)
def test_a_week_expires_when_all_of_it_is_older_than_its_tier_is_kept(name: str, is_expired: bool) -> None:
    assert expired_partitions([name], kept_days=KEPT, now=NOW) == ([name] if is_expired else [])


def test_the_oldest_go_first() -> None:
    names = ["events_event_daily_2026w10", "events_event_weekly_2025w52", "events_event_daily_2026w02"]

    assert expired_partitions(names, kept_days=KEPT, now=NOW) == [names[1], names[2], names[0]]


@pytest.mark.django_db
def test_old_partitions_go_with_their_events_and_counts_stay(sender: Sender) -> None:
    sender.store({"event": "api_timeout"}, {"event": "feature_used"})
    later = timezone.now() + timedelta(days=60)
    make_partitions(now=later)

    forgotten = forget_expired(now=later)

    assert f"events_event_weekly_{week_of(timezone.now())}" in forgotten.partitions
    assert f"events_event_daily_{week_of(timezone.now())}" in partitions()
    assert forgotten.postponed == []
    assert list(Event.objects.values_list("name", flat=True)) == ["api_timeout"]
    assert sum(DayRollup.objects.values_list("event_count", flat=True)) == 2
    assert Issue.objects.get().event_count == 1
    assert forget_expired(now=later).partitions == []


@pytest.mark.django_db
def test_old_rows_of_small_tables_go(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.retention._BATCH", 2)
    for _ in range(5):
        sender.store({"event": "api_timeout", "event_id": str(uuid4())}, at=ago(days=8))
    sender.store({"event": "api_timeout", "event_id": str(uuid4())})
    sender.post(b"{")

    assert EventReceipt.objects.count() == 6
    forget_expired(now=timezone.now())
    assert EventReceipt.objects.count() == 1
    forget_expired(now=timezone.now() + timedelta(days=401))
    for model in (EventReceipt, EventRollup, IssueRollup, IngestRejection):
        assert not model.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_partition_that_somebody_reads_is_left_for_the_next_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.retention._LOCK_PATIENCE", "100ms")
    long_ago = timezone.now() - timedelta(days=500)
    with connection.cursor() as cursor:
        cursor.execute("SELECT events_make_partitions(%s, %s)", [long_ago, long_ago])
    name = f"events_event_daily_{week_of(long_ago)}"
    parameters: dict[str, Any] = connection.get_connection_params()
    with psycopg.connect(
        **{key: parameters[key] for key in ("dbname", "user", "host", "port", "password") if parameters.get(key)}
    ) as reader:
        reader.execute("SELECT count(*) FROM events_event")
        postponed = forget_expired(now=timezone.now())
    finally_ = forget_expired(now=timezone.now())

    assert name in postponed.postponed
    assert name in finally_.partitions
    assert name not in partitions()
