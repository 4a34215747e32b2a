import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from events.models import Event
from events.partitions import index_arrivals, make_partitions
from tests.events.conftest import Sender, ago

pytestmark = pytest.mark.django_db


def partitions() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('events_event') WHERE isleaf")
        return {row[0] for row in cursor.fetchall()}


def week_of(at: datetime) -> str:
    year, week, _ = at.isocalendar()
    return f"{year}w{week:02}"


def test_the_migration_made_the_weeks_that_events_may_fall_in() -> None:
    made = partitions()

    for tier in ("immediate", "daily", "weekly"):
        for days in (-30, 0, 21):
            assert f"events_event_{tier}_{week_of(timezone.now() + timedelta(days=days))}" in made


def test_making_them_again_makes_nothing_and_later_makes_the_later_weeks() -> None:
    make_partitions(now=timezone.now())
    before = partitions()

    assert make_partitions(now=timezone.now()) == 0
    assert make_partitions(now=timezone.now() + timedelta(days=14)) == 6
    assert partitions() > before


def test_a_week_belongs_to_the_year_that_most_of_it_lies_in() -> None:
    make_partitions(now=datetime(2027, 1, 2, 12, tzinfo=timezone.get_default_timezone()))

    assert "events_event_daily_2026w53" in partitions()
    assert "events_event_daily_2027w01" in partitions()


def test_events_of_every_tier_and_age_are_found_by_their_id(sender: Sender) -> None:
    sender.store(
        {"event": "db_pool_error"},
        {"event": "api_timeout", "timestamp": ago(days=29).isoformat()},
        {"event": "feature_used", "timestamp": ago(days=8).isoformat()},
    )

    for event in Event.objects.all():
        assert Event.objects.by_id(event.id).get() == event
    assert {event.tier for event in Event.objects.all()} == {"immediate", "daily", "weekly"}


def test_looking_for_an_id_reads_the_week_of_that_id_alone(sender: Sender) -> None:
    sender.store({"event": "api_timeout"})

    plan = Event.objects.by_id(Event.objects.get().id).explain()

    assert sum(line.count("events_event_") for line in plan.splitlines() if "Scan" in line) <= 12
    assert week_of(timezone.now()) in plan
    assert week_of(timezone.now() - timedelta(days=21)) not in plan


class TestIndexArrivals:
    @pytest.fixture
    def _batch(self, sender: Sender) -> None:
        """So many events at once that PostgreSQL has not looked at their pages yet, and none of another test's."""
        index_arrivals(now=timezone.now())
        sender.store({"event": "api_timeout"})
        event = Event.objects.get()
        copies = [Event.objects.get() for _ in range(700)]
        for place, copy in enumerate(copies):
            copy.pk = event.pk.__class__(int=event.pk.int + place + 1)
            copy.message = "x" * 400
        Event.objects.bulk_create(copies)

    @pytest.mark.usefixtures("_batch")
    def test_it_takes_in_what_came_in_a_large_batch_once(self) -> None:
        assert index_arrivals(now=timezone.now()) > 0
        assert index_arrivals(now=timezone.now()) == 0

    @pytest.mark.usefixtures("_batch")
    def test_it_leaves_weeks_alone_in_which_no_event_can_fall_any_more(self) -> None:
        assert index_arrivals(now=timezone.now() + timedelta(days=50)) == 0
        assert index_arrivals(now=timezone.now() + timedelta(days=30)) > 0

    @pytest.mark.usefixtures("_batch")
    def test_a_poll_reads_few_pages_afterwards(self) -> None:
        before = pages_of_a_poll()
        index_arrivals(now=timezone.now())

        assert pages_of_a_poll() < before / 2

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.usefixtures("_batch")
    def test_it_waits_for_no_vacuum_and_takes_its_turn_later(self, vacuuming: psycopg.Connection) -> None:
        began = time.monotonic()

        assert index_arrivals(now=timezone.now()) == 0
        assert time.monotonic() - began < 60 * 0.2 + 5
        vacuuming.rollback()
        assert index_arrivals(now=timezone.now()) > 0

    @pytest.fixture
    def vacuuming(self, _batch: None) -> Iterator[psycopg.Connection]:
        """A connection that locks the partition as VACUUM does."""
        told: dict[str, Any] = connection.get_connection_params()
        with psycopg.connect(
            **{word: told[word] for word in ("dbname", "user", "host", "port", "password") if told.get(word)}
        ) as other:
            other.execute(f"LOCK TABLE events_event_daily_{week_of(timezone.now())} IN SHARE UPDATE EXCLUSIVE MODE")
            yield other


def pages_of_a_poll() -> int:
    """How many pages are looked at for what arrives from now on."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
        cursor.execute(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT id FROM events_event WHERE stored_at > %s",
            [timezone.now() + timedelta(minutes=1)],
        )
        return sum(_pages(cursor.fetchone()[0][0]["Plan"]))


def _pages(plan: dict[str, Any]) -> Iterator[int]:
    yield plan.get("Lossy Heap Blocks", 0)
    for part in plan.get("Plans", ()):
        yield from _pages(part)
