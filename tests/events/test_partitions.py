from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from events.models import Event
from events.partitions import make_partitions
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
