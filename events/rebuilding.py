"""Counters against the events that they count: find every difference, and put it right while ingest goes on.

A correction is a difference that is added, computed in one statement and so from one snapshot: what other transactions count
meanwhile adds up with it, and nobody has to wait. Events are dropped sooner than counters (`events.retention`), so only the
time from which every tier still has its events is looked at.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from events.latency import GAMMA, LARGEST_MS, SMALLEST_MS, ZERO_BUCKET
from events.rollups import compact


@dataclass(slots=True)
class Comparison:
    """What was found. ``differences`` are rows (counter, what it counts, events that it is off by)."""

    since: datetime
    events: int = 0
    differences: list[tuple[str, str, int]] = field(default_factory=list)


_BUCKET = (
    f"CASE WHEN duration_ms < {SMALLEST_MS!r} THEN {ZERO_BUCKET} "
    f"ELSE ceil(ln(least(duration_ms, {LARGEST_MS!r})) / {math.log(GAMMA)!r}::float8) END::smallint"
)
# Of each appended counter: its view, its columns, how they follow from an event, its time, and which events it counts.
_APPENDED = (
    (
        "events_eventrollup", "service_id, name, severity, endpoint, environment, minute",
        "service_id, name, severity, endpoint, environment, date_trunc('minute', occurred_at)", "minute", "true",
    ),
    (
        "events_latencyrollup", "service_id, endpoint, environment, hour, bucket",
        f"service_id, endpoint, environment, date_trunc('hour', occurred_at, 'UTC'), {_BUCKET}", "hour", "duration_ms >= 0",
    ),
    (
        "events_useractivity", "service_id, user_hash, name, severity, environment, day",
        "service_id, user_hash, name, severity, environment, date_trunc('day', occurred_at, 'UTC')", "day",
        "user_hash <> ''",
    ),
    (
        "events_issuerollup", "fingerprint_id, hour",
        "fingerprint_id, date_trunc('hour', occurred_at, 'UTC')", "hour", "fingerprint_id IS NOT NULL",
    ),
)  # fmt: skip
_DIFFERENCES = """
    SELECT {columns}, sum(event_count)::bigint AS event_count FROM (
        SELECT {expressions}, 1 AS event_count FROM events_event WHERE occurred_at >= %(since)s AND {condition}
        UNION ALL SELECT {columns}, -event_count FROM {view} WHERE {time} >= %(since)s
    ) AS both_sides ({columns}, event_count) GROUP BY {columns} HAVING sum(event_count) <> 0
"""
# Hours and days against the minutes that they sum up. Only compaction changes them, and it waits meanwhile.
_COARSER = """
    SELECT {time}, service_id, key, name, severity, endpoint, environment, sum(event_count)::bigint AS event_count FROM (
        SELECT date_trunc('{time}', minute, 'UTC'), service_id, key, name, severity, endpoint, environment, event_count
        FROM events_eventrollup_minutes WHERE minute >= %(since)s
        UNION ALL SELECT {time}, service_id, key, name, severity, endpoint, environment, -event_count
        FROM events_eventrollup_{time}s WHERE {time} >= %(since)s
    ) AS both_sides ({time}, service_id, key, name, severity, endpoint, environment, event_count)
    GROUP BY {time}, service_id, key, name, severity, endpoint, environment HAVING sum(event_count) <> 0
"""
_FINGERPRINTS = """
    SELECT fingerprint.id, counted.events - fingerprint.event_count AS event_count
    FROM events_issuefingerprint AS fingerprint CROSS JOIN LATERAL (
        SELECT count(*) AS events FROM events_event AS event WHERE event.fingerprint_id = fingerprint.id
    ) AS counted
    WHERE fingerprint.first_seen_at >= %(since)s AND counted.events <> fingerprint.event_count
"""
_FINGERPRINT_USERS = """
    SELECT fingerprint_id, user_hash, sum(event_count)::bigint AS event_count, min(first_seen_at) AS first_seen_at,
        max(last_seen_at) AS last_seen_at
    FROM (
        SELECT event.fingerprint_id, event.user_hash, 1 AS event_count, event.occurred_at, event.occurred_at
        FROM events_event AS event WHERE event.user_hash <> '' AND event.fingerprint_id IS NOT NULL
        UNION ALL SELECT fingerprint_id, user_hash, -event_count, first_seen_at, last_seen_at FROM events_fingerprintuser
    ) AS both_sides (fingerprint_id, user_hash, event_count, first_seen_at, last_seen_at)
    WHERE fingerprint_id IN (SELECT id FROM events_issuefingerprint WHERE first_seen_at >= %(since)s)
    GROUP BY fingerprint_id, user_hash HAVING sum(event_count) <> 0
"""
# An issue's counts against those of its fingerprints.
_ISSUES = """
    SELECT issue.id, counted.events - issue.event_count AS event_count, counted.users - issue.user_count AS user_count
    FROM events_issue AS issue CROSS JOIN LATERAL (
        SELECT coalesce(sum(fingerprint.event_count), 0)::bigint AS events, (
            SELECT count(DISTINCT known.user_hash) FROM events_fingerprintuser AS known
            WHERE known.event_count > 0
                AND known.fingerprint_id IN (SELECT id FROM events_issuefingerprint WHERE issue_id = issue.id)) AS users
        FROM events_issuefingerprint AS fingerprint WHERE fingerprint.issue_id = issue.id
    ) AS counted
    WHERE issue.merged_into_id IS NULL AND (counted.events <> issue.event_count OR counted.users <> issue.user_count)
"""


_ADD_TO_FINGERPRINTS = """
    UPDATE events_issuefingerprint AS target SET event_count = target.event_count + differences.event_count
    FROM differences WHERE target.id = differences.id
"""
_ADD_TO_FINGERPRINT_USERS = """
    INSERT INTO events_fingerprintuser AS known (fingerprint_id, user_hash, event_count, first_seen_at, last_seen_at)
    SELECT * FROM differences ON CONFLICT (fingerprint_id, user_hash)
    DO UPDATE SET event_count = known.event_count + excluded.event_count
"""
_ADD_TO_ISSUES = """
    UPDATE events_issue AS target SET event_count = target.event_count + differences.event_count,
        user_count = target.user_count + differences.user_count
    FROM differences WHERE target.id = differences.id
"""
_ON_ISSUES = (
    ("events_issuefingerprint", _FINGERPRINTS, _ADD_TO_FINGERPRINTS),
    ("events_fingerprintuser", _FINGERPRINT_USERS, _ADD_TO_FINGERPRINT_USERS),
    ("events_issue", _ISSUES, _ADD_TO_ISSUES),
)


def complete_since() -> datetime:
    """The time from which every tier still has all its events: the latest of the tiers' oldest weeks."""
    with connection.cursor() as cursor:
        cursor.execute(
            r"""
            SELECT max(oldest) FROM (
                SELECT min(substring(relid::regclass::text FROM '\d{4}w\d{2}$')) AS oldest
                FROM pg_partition_tree('events_event') WHERE isleaf
                GROUP BY substring(relid::regclass::text FROM '_(immediate|daily|weekly)_')
            ) AS tiers
            """
        )
        (week,) = cursor.fetchone()
    monday = date.fromisocalendar(int(week[:4]), int(week[5:]), 1)
    return datetime.combine(monday, datetime.min.time(), UTC)


def compare(*, since: datetime, say: Callable[[str], object] = lambda _: None) -> Comparison:
    """Every counter that differs from the events since then. Changes nothing."""
    return _go_through(since, say, is_correcting=False)


def rebuild(*, since: datetime, say: Callable[[str], object] = lambda _: None) -> Comparison:
    """Put every counter right that differs; answers what differed."""
    return _go_through(since, say, is_correcting=True)


def _go_through(since: datetime, say: Callable[[str], object], *, is_correcting: bool) -> Comparison:
    found = Comparison(since)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM events_event WHERE occurred_at >= %s", [since])
        found.events = int(cursor.fetchone()[0])
    for view, columns, expressions, time, condition in _APPENDED:
        say(f"{view} …")
        differences = _DIFFERENCES.format(
            view=view, columns=columns, expressions=expressions, time=time, condition=condition
        )
        correction = f"INSERT INTO {view}_pending ({columns}, event_count) TABLE differences"
        _step(found, view, differences, correction if is_correcting else "")
    compact()
    for time in ("hour", "day"):
        say(f"events_eventrollup_{time}s …")
        _step(
            found,
            f"events_eventrollup_{time}s",
            _COARSER.format(time=time),
            _merge_coarser(time) if is_correcting else "",
        )
    say("issues …")
    for name, differences, correction in _ON_ISSUES:
        _step(found, name, differences, correction if is_correcting else "")
    return found


def _merge_coarser(time: str) -> str:
    words = "name, severity, endpoint, environment"
    return (
        f"INSERT INTO events_eventrollup_{time}s AS folded ({time}, service_id, key, {words}, event_count) "
        f"TABLE differences ON CONFLICT ({time}, service_id, key) "
        "DO UPDATE SET event_count = folded.event_count + excluded.event_count"
    )


def _step(found: Comparison, name: str, differences: str, correction: str) -> None:
    """Note the differences of one counter and, with a correction, add them to it: one statement, one snapshot."""
    with transaction.atomic(), connection.cursor() as cursor:
        if name.startswith("events_eventrollup_"):
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('events.rollups.compact'))")
        body = f", corrected AS ({correction})" if correction else ""
        cursor.execute(
            f"WITH differences AS MATERIALIZED ({differences}){body} SELECT * FROM differences",  # noqa: S608
            {"since": found.since},
        )
        found.differences += [(name, _key(cursor, row), _off_by(cursor, row)) for row in cursor.fetchall()]


def _columns(cursor: CursorWrapper, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description or (), row, strict=True)}


def _key(cursor: CursorWrapper, row: tuple[Any, ...]) -> str:
    """The words and numbers that say which counter it is."""
    columns = _columns(cursor, row)
    shown = (value for name, value in columns.items() if name not in {"event_count", "user_count", "key"})
    return " · ".join(str(value) for value in shown if value != "")


def _off_by(cursor: CursorWrapper, row: tuple[Any, ...]) -> int:
    columns = _columns(cursor, row)
    return int(columns["event_count"] or columns.get("user_count") or 0)
