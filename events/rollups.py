"""Counting: rows are appended with each batch and folded later, so that writers never wait for one another's counters."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Sum

from events.models import EventRollup

# (service_id, name, severity, endpoint, environment, minute)
EventCountKey = tuple[int, str, str, str, str, datetime]
# (fingerprint_id, hour)
IssueCountKey = tuple[int, datetime]


def append_event_counts(cursor: CursorWrapper, counts: Mapping[EventCountKey, int]) -> None:
    """Append one row per key; call it inside the transaction that stores the events."""
    columns = [list(column) for column in zip(*counts, strict=True)]
    cursor.execute(
        """
        INSERT INTO events_eventrollup (service_id, name, severity, endpoint, environment, minute, event_count)
        SELECT * FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::bigint[])
        """,
        [*columns, list(counts.values())],
    )


def append_issue_counts(cursor: CursorWrapper, counts: Mapping[IssueCountKey, int]) -> None:
    """Append one row per fingerprint and hour; call it inside the transaction that stores the events."""
    if counts:
        columns = [list(column) for column in zip(*counts, strict=True)]
        cursor.execute(
            """
            INSERT INTO events_issuerollup (fingerprint_id, hour, event_count)
            SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::bigint[])
            """,
            [*columns, list(counts.values())],
        )


def events_per_service(service_ids: Sequence[int], *, start: datetime) -> dict[int, int]:
    """How many events each service sent since ``start``, in one query; services without any are left out."""
    rows = EventRollup.objects.filter(service_id__in=service_ids, minute__gte=start).values_list("service_id")
    return dict(rows.annotate(total=Sum("event_count")).values_list("service_id", "total"))


def events_per_name(names: Sequence[str], *, start: datetime) -> dict[str, int]:
    """How many events of each name came since ``start``, in one query; names without any are left out."""
    rows = EventRollup.objects.filter(name__in=names, minute__gte=start).values_list("name")
    return dict(rows.annotate(total=Sum("event_count")).values_list("name", "total"))


# Per table: its key. What was appended since the last time is taken out together with the folded rows of the same keys,
# and their sum put back: the cost grows with what is new, and a reader's snapshot sees either all of it or none.
_TABLES = {
    "events_eventrollup": ("service_id", "name", "severity", "endpoint", "environment", "minute"),
    "events_issuerollup": ("fingerprint_id", "hour"),
}
_COMPACT = """
    WITH appended AS (
        DELETE FROM {table} WHERE NOT is_folded RETURNING {key}, event_count
    ), keys AS (
        SELECT DISTINCT {key} FROM appended
    ), earlier AS (
        DELETE FROM {table} AS folded USING keys WHERE folded.is_folded AND {same_key}
        RETURNING {folded_key}, folded.event_count
    ), kept AS (
        INSERT INTO {table} ({key}, event_count, is_folded)
        SELECT {key}, sum(event_count), true FROM (SELECT * FROM appended UNION ALL SELECT * FROM earlier) AS rows
        GROUP BY {key} RETURNING 1
    )
    SELECT (SELECT count(*) FROM appended) + (SELECT count(*) FROM earlier) - (SELECT count(*) FROM kept)
"""


def compact() -> int:
    """Fold rows of the same key into one; answer how many rows that saved. Readers see the same sums at every moment.

    One at a time: a second call while one runs folds nothing.
    """
    saved = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('events.rollups.compact'))")
        if not cursor.fetchone()[0]:
            return 0
        for table, key in _TABLES.items():
            cursor.execute(
                _COMPACT.format(
                    table=table,
                    key=", ".join(key),
                    folded_key=", ".join(f"folded.{column}" for column in key),
                    same_key=" AND ".join(f"folded.{column} = keys.{column}" for column in key),
                )
            )
            saved += int(cursor.fetchone()[0])
    return saved
