"""What Liftmon's own storage takes."""

from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from dashboards.reports.question import Question
from dashboards.reports.upkeep import upkeep
from dashboards.window import preset
from events.rollup_tables import FOLDED_TABLES
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


def asked(sql: str, *bound: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, bound)
        return int(cursor.fetchone()[0])


def test_it_says_how_large_events_counters_and_the_database_are(sender: Sender) -> None:
    sender.store(*({"event": "api_timeout", "message": f"{number}"} for number in range(400)))
    compact()
    events = asked("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('events_event')")
    counters = asked(
        "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name",
        [one.name for one in FOLDED_TABLES],
    )

    found = upkeep(Question(preset("7d", NOW), ZoneInfo("UTC")))

    # Not to the byte: PostgreSQL may clean up meanwhile.
    assert found.events_bytes == pytest.approx(events, rel=0.1)
    assert found.counters_bytes == pytest.approx(counters, rel=0.1)
    assert found.events_bytes + found.counters_bytes < found.database_bytes
