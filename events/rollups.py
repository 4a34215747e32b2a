"""Counting: rows are appended with each batch and folded later, so that writers never wait for one another's counters.

The tables are made in migrations/sql/0003_rollups.sql. Exact at every moment: a count is either pending or folded, and readers'
views add the two.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import structlog
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Sum

from events.ingest.types import PreparedEvent
from events.latency import bucket_of
from events.models import DayRollup, EventRollup, LatencyRollup

logger = structlog.get_logger(__name__)
# Rows that one transaction of compaction takes out of a pending table.
_BATCH = 100_000


class _Folded(NamedTuple):
    """A table that compaction keeps: its suffix, and how its time comes from the pending row's."""

    suffix: str
    time: str
    truncated: str
    # Columns between the time and the count, in the order of the primary key; the words after them.
    key: str
    words: str


_WORDS = "name, severity, endpoint, environment"
_KEY = "service_id, events_words_key({words}) AS key"
_FOLDED: dict[str, tuple[_Folded, ...]] = {
    "events_eventrollup": tuple(
        _Folded(suffix, time, truncated, "service_id, key", _WORDS)
        for suffix, time, truncated in (
            ("minutes", "minute", "minute"),
            ("hours", "hour", "date_trunc('hour', minute, 'UTC')"),
            ("days", "day", "date_trunc('day', minute, 'UTC')"),
        )
    ),
    "events_latencyrollup": (_Folded("hours", "hour", "hour", "service_id, key, bucket", "endpoint, environment"),),
    "events_useractivity": (
        _Folded("days", "day", "day", "service_id, key", "user_hash, name, severity, environment"),
    ),
    "events_issuerollup": (_Folded("hours", "hour", "hour", "fingerprint_id", ""),),
}
PENDING_TABLES = tuple(f"{table}_pending" for table in _FOLDED)
# Each with the column that says how old a row is.
FOLDED_TABLES = tuple((f"{table}_{folded.suffix}", folded.time) for table, kinds in _FOLDED.items() for folded in kinds)


def append_counts(cursor: CursorWrapper, events: Iterable[PreparedEvent], fingerprint_ids: dict[Any, int]) -> None:
    """Append what the events add to every counter; call it inside the transaction that stores them.

    ``fingerprint_ids`` gives the id of each (service_id, hash).
    """
    counts: Counter[Any] = Counter()
    latencies: Counter[Any] = Counter()
    activity: Counter[Any] = Counter()
    issues: Counter[Any] = Counter()
    for prepared in events:
        event = prepared.event
        service_id, severity = prepared.service_id, prepared.severity.value
        minute = event.occurred_at.replace(second=0, microsecond=0)
        counts[service_id, event.name, severity, event.endpoint, event.environment, minute] += 1
        if event.duration_ms is not None and event.duration_ms >= 0:
            hour, bucket = minute.replace(minute=0), bucket_of(event.duration_ms)
            latencies[service_id, event.endpoint, event.environment, hour, bucket] += 1
        if event.user_hash:
            day = minute.replace(hour=0, minute=0)
            activity[service_id, event.user_hash, event.name, severity, event.environment, day] += 1
        if prepared.fingerprint is not None:
            issues[fingerprint_ids[service_id, prepared.fingerprint.hash], minute.replace(minute=0)] += 1
    for table, rows in zip(PENDING_TABLES, (counts, latencies, activity, issues), strict=True):
        if rows:
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for key, count in rows.items():
                    copy.write_row((*key, count))


# One statement for all the tables that are fed by one pending table: what is taken out is put into each, or nothing is.
_COMPACT = """
    WITH taken AS (
        DELETE FROM {table}_pending WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table}_pending LIMIT {limit})) RETURNING *
    ){folds}
    SELECT count(*) FROM taken
"""
_FOLD = """, {suffix} AS (
        INSERT INTO {table}_{suffix} AS folded ({time}, {key}{words}, event_count)
        SELECT {truncated}, {key_values}{words}, sum(event_count) FROM taken GROUP BY {truncated}, {group}
        ORDER BY {truncated}, {key}
        ON CONFLICT ({time}, {key}) DO UPDATE SET event_count = folded.event_count + excluded.event_count
    )"""


def compact() -> int:
    """Fold what was appended; answer how many rows that were. Readers see the same sums at every moment.

    One at a time: a second call while one runs folds nothing.
    """
    taken = 0
    for table, kinds in _FOLDED.items():
        statement = _compaction_of(table, kinds)
        while True:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('events.rollups.compact'))")
                if not cursor.fetchone()[0]:
                    return taken
                cursor.execute(statement)
                rows = int(cursor.fetchone()[0])
            taken += rows
            if rows < _BATCH:
                break
    return taken


def _compaction_of(table: str, kinds: Sequence[_Folded]) -> str:
    folds = []
    for folded in kinds:
        words = f", {folded.words}" if folded.words else ""
        key_values = folded.key.replace("key", f"events_words_key({folded.words}) AS key") if words else folded.key
        group = folded.key.replace("key, ", "").replace(", key", "") + words
        folds.append(
            _FOLD.format(
                table=table,
                suffix=folded.suffix,
                time=folded.time,
                truncated=folded.truncated,
                key=folded.key,
                words=words,
                key_values=key_values,
                group=group,
            )
        )
    return _COMPACT.format(table=table, limit=_BATCH, folds="".join(folds))


def events_per_service(service_ids: Sequence[int], *, start: datetime) -> dict[int, int]:
    """How many events each service sent since ``start``, in one query; services without any are left out."""
    rows = EventRollup.objects.filter(service_id__in=service_ids, minute__gte=start).values_list("service_id")
    return dict(rows.annotate(total=Sum("event_count")).values_list("service_id", "total"))


def events_per_name(names: Sequence[str], *, start: datetime) -> dict[str, int]:
    """How many events of each name came since ``start``, in one query; names without any are left out."""
    rows = EventRollup.objects.filter(name__in=names, minute__gte=start).values_list("name")
    return dict(rows.annotate(total=Sum("event_count")).values_list("name", "total"))


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
