"""Forgetting: events by dropping whole partitions, which is instant and returns the disk; small tables row by row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import sql
from psycopg.errors import LockNotAvailable

from events.ingest.writer import REPEATS_KNOWN
from events.partitions import BEHIND
from events.rollup_tables import FOLDED_TABLES, FoldedTable
from events.rollups import LOCK, compact

logger = structlog.get_logger(__name__)
REFUSALS_KEPT = timedelta(days=90)
# A value that was not seen for so long gives its place to another (events.ingest.guards).
VALUES_KEPT = timedelta(days=30)
_BATCH = 20_000
# Dropping waits for readers of the table, and everybody else then waits behind it: better to try again later.
_LOCK_PATIENCE = "2s"
_PARTITION = re.compile(r"^events_event_(immediate|daily|weekly)_(\d{4})w(\d{2})$")


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one run took away."""

    partitions: list[str]
    # Partitions that are due and were in use; the next run tries again.
    postponed: list[str]
    rows: int


def forget_expired(*, now: datetime) -> Forgotten:
    """Drop the partitions whose newest possible event is past its tier's retention, and delete old rows of small tables."""
    dropped: list[str] = []
    postponed: list[str] = []
    for name in expired_partitions(_all_partitions(), kept_days=settings.RETENTION_DAYS, now=now):
        (dropped if _drop(name) else postponed).append(name)
    compact()  # what is pending has no index to delete by
    rows = (
        _delete("events_eventreceipt", "received_at", now - REPEATS_KNOWN)
        + sum(_delete(table.name, table.time, now - rollup_kept(table)) for table in FOLDED_TABLES)
        + _delete_unused_series()
        + _delete("events_release", "last_seen_at", now - timedelta(days=settings.ROLLUP_RETENTION_DAYS))
        + _delete("events_ingestrejection", "last_at", now - REFUSALS_KEPT)
        + _delete("events_guardhit", "last_at", now - REFUSALS_KEPT)
        + _delete("events_newissuecount", "hour", now - timedelta(days=1))
        + _delete("events_knownvalue", "last_seen_on", (now - VALUES_KEPT).date())
    )
    if dropped or postponed:
        logger.info("events_forgotten", dropped=dropped, postponed=postponed)
    return Forgotten(dropped, postponed, rows)


def rollup_kept(table: FoldedTable) -> timedelta:
    """How long rows of a folded table are kept."""
    longest = timedelta(days=settings.ROLLUP_RETENTION_DAYS)
    return longest if table.kept is None else min(table.kept, longest)


def _delete_unused_series() -> int:
    """Words that no counter has any more. Folding waits meanwhile: it might be about to use one."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {LOCK}")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(
            """
            DELETE FROM events_series WHERE NOT EXISTS (SELECT FROM events_count_days WHERE series_id = events_series.id)
                AND NOT EXISTS (SELECT FROM events_count_hours WHERE series_id = events_series.id)
            """
        )
        return int(cursor.rowcount)


def expired_partitions(names: list[str], *, kept_days: Mapping[str, int], now: datetime) -> list[str]:
    """Those of the partitions whose whole week is older than their tier is kept, oldest first.

    Weeks that late events may still fall in are kept whatever the setting: they would only be made again.
    """
    expired = []
    for name in names:
        if (match := _PARTITION.match(name)) is None:
            continue
        tier, year, week = match[1], int(match[2]), int(match[3])
        end = datetime.combine(date.fromisocalendar(year, week, 1) + timedelta(days=7), datetime.min.time(), UTC)
        if end <= now - max(timedelta(days=kept_days[tier]), BEHIND):
            expired.append((end, name))
    return [name for _, name in sorted(expired)]


def _all_partitions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relid::regclass::text FROM pg_partition_tree('events_event') WHERE isleaf")
        return [row[0] for row in cursor.fetchall()]


def _drop(name: str) -> bool:
    """Whether the partition could be dropped at once; False when somebody reads the table."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [_LOCK_PATIENCE])
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(name)))
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            return False
        raise
    return True


def _delete(table: str, column: str, before: datetime | date) -> int:
    """Delete in batches of one short transaction each, so that writers never wait long."""
    statement = sql.SQL(
        "DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {column} < %s LIMIT %s))"
    ).format(table=sql.Identifier(table), column=sql.Identifier(column))
    deleted = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, [before, _BATCH])
            count = int(cursor.rowcount)
        deleted += count
        if count < _BATCH:
            return deleted
