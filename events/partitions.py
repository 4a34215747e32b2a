"""The weekly partitions of the events table."""

from datetime import datetime, timedelta

import structlog
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

logger = structlog.get_logger(__name__)

# An event may be 30 days late (events.ingest.repair) and its week began up to 7 days before.
BEHIND = timedelta(days=38)
_AHEAD = timedelta(days=21)


def make_partitions(*, now: datetime) -> int:
    """Make the partitions that events of now, of the past 30 days and of the next 3 weeks need; answer how many were new."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT events_make_partitions(%s, %s)", [now - BEHIND, now + _AHEAD])
        (made,) = cursor.fetchone()
    return int(made)


def index_arrivals(*, now: datetime) -> int:
    """Tell the index by arrival (BRIN) of the pages that it does not know yet; answers how many stretches of pages were new.

    Weeks in which no event can fall any more are left alone.

    It learns of them by itself while events come one by one. Where they come in large batches, as from a spool that is replayed,
    PostgreSQL loses track, and until the next VACUUM, which may be days away, each poll of the live feed reads all of those pages.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relid::regclass::text FROM pg_partition_tree('events_event_by_arrival') WHERE isleaf "
            "AND substring(relid::regclass::text FROM '[0-9]{4}w[0-9]{2}') >= to_char(%s AT TIME ZONE 'UTC', 'IYYY\"w\"IW')",
            [now - BEHIND],
        )
        indexes = [name for (name,) in cursor.fetchall()]
    return sum(_summarised(index) for index in indexes)


def _summarised(index: str) -> int:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # Autovacuum, which does the same, gives way to whoever waits for a second; it shall not.
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
            cursor.execute("SELECT brin_summarize_new_values(to_regclass(%s))", [index])
            (found,) = cursor.fetchone()
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        logger.info("index_arrivals_waits", index=index)
        return 0
    return int(found or 0)  # its partition may be gone by now
