"""Counters against the events that they count: find every difference, and put it right while ingest goes on.

A correction is a difference that is added, computed in one statement and so from one snapshot: what other transactions count
meanwhile adds up with it, and nobody has to wait. Events are dropped sooner than counters (`events.retention`), so only the
time from which every tier still has its events is looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from events.latency import LARGEST_MS
from events.retention import rollup_kept
from events.rollup_tables import (
    CHUNK,
    COARSE,
    FACTS,
    FAILED,
    FAILURES,
    FAILURES_CHUNK,
    FOLDED_TABLES,
    HISTOGRAM_SUM,
    USERS_TABLES,
    FoldedTable,
)
from events.rollups import ADD_WORDS, FACT_KEY, LATENCY_BUCKET, WAIT_FOR_LOCK, beginning, merge_into


@dataclass(slots=True)
class Comparison:
    """What was found. ``differences`` are rows (counter, what it counts, events that it is off by)."""

    since: datetime
    events: int = 0
    differences: list[tuple[str, str, int]] = field(default_factory=list)


# An event as the fact that it is (events.rollups.append_facts).
_EVENTS = f"""(
    SELECT service_id::integer, name, severity, endpoint, environment, release, labels, date_trunc('minute', occurred_at) AS minute,
        user_hash, CASE WHEN duration_ms >= 0 THEN {LATENCY_BUCKET} END AS bucket, fingerprint_id, 1::bigint AS event_count,
        (duration_ms IS NOT NULL)::int::bigint AS duration_count, least(coalesce(duration_ms, 0), {LARGEST_MS!r}) AS duration_ms
    FROM events_event WHERE occurred_at >= %(since)s
) AS fact"""
_WAITING = f"(SELECT * FROM {FACTS} WHERE minute >= %(since)s) AS fact"
_SERIES = f"JOIN events_series AS series ON series.key = {FACT_KEY}"
_OF_SERIES = f"JOIN (SELECT id AS series_id, key FROM events_series) AS series ON series.key = {FACT_KEY}"
_USER = "JOIN events_usernumber AS known ON known.user_hash = fact.user_hash"


class _Counter(NamedTuple):
    """How one kind of counter follows from facts: its columns besides the time, their values, and which facts count.

    ``numbers`` are the columns that count, ``measures`` what a fact adds to them ("": its columns of the same names).
    """

    columns: str
    values: str
    joins: str
    condition: str = "true"
    numbers: str = "event_count"
    measures: str = ""


_COUNTERS = {
    "count": _Counter("series_id", "series.id", _SERIES, numbers="event_count, duration_count, duration_ms"),
    "bucket": _Counter("series_id, bucket", "series.id, bucket", _SERIES, "bucket IS NOT NULL"),
    "latency": _Counter(
        "series_id", "series.id", _SERIES, "bucket IS NOT NULL", "histogram", "events_histogram(bucket, event_count)"
    ),
    "user": _Counter("series_id, user_id", "series.id, known.id", f"{_SERIES} {_USER}"),
    "userfailure": _Counter("user_id, series_id", "known.id, series.id", f"{_SERIES} {_USER}", FAILED),
    "failures": _Counter(
        "service_id, environment, chunk",
        f"service_id, environment, known.id / {FAILURES_CHUNK}",
        _USER,
        f"severity IN {FAILURES!r}",
        "failures",
        "events_failures_of(known.id, event_count)",
    ),
    "failuresanywhere": _Counter(
        "environment, chunk",
        f"environment, known.id / {FAILURES_CHUNK}",
        _USER,
        f"severity IN {FAILURES!r}",
        "failures",
        "events_failures_of(known.id, event_count)",
    ),
    "issue": _Counter("fingerprint_id", "fingerprint_id", "", "fingerprint_id IS NOT NULL"),
    **{
        kind: _Counter(
            coarse.words,
            coarse.columns,
            "",
            f"bucket IS NOT NULL AND {coarse.condition}",
            "histogram",
            "events_histogram(bucket, event_count)",
        )
        for kind, coarse in COARSE.items()
        if coarse.finer == "latency"
    },
    **{
        kind: _Counter(
            coarse.words, coarse.columns, "", coarse.condition, numbers="event_count, duration_count, duration_ms"
        )
        for kind, coarse in COARSE.items()
        if coarse.finer == "count"
    },
}
_TYPES = {"duration_ms": "float8", "histogram": "numeric", "failures": "numeric"}
_DIFFERENCES = """
    SELECT {columns}, {sums} FROM (
        SELECT {time}, {values}, {measures} FROM {events} {joins} WHERE {condition}
        UNION ALL SELECT {time}, {values}, {negative_measures} FROM {waiting} {joins} WHERE {condition}
        UNION ALL SELECT {columns}, {negative} FROM {table} WHERE {column} >= %(since)s
    ) AS all_sides ({columns}, {numbers}) GROUP BY {columns} HAVING {differ}
"""
# Sets of users: what the events say, against what is folded and what waits to be.
_SETS = """
    SELECT {column}, {words}, chunk, coalesce(expected.users, repeat('0', {bits})::bit({bits})) AS users,
        coalesce(bit_count(expected.users), 0) - coalesce(bit_count(users_there), 0) AS event_count
    FROM ({expected}) AS expected FULL JOIN (
        SELECT {column}, {words}, chunk, bit_or(users) AS users_there FROM (
            SELECT {column}, {words}, chunk, users FROM {table} WHERE {column} >= %(since)s UNION ALL {waiting}
        ) AS both_sides GROUP BY {column}, {words}, chunk
    ) AS there USING ({column}, {words}, chunk)
    WHERE coalesce(expected.users, repeat('0', {bits})::bit({bits})) IS DISTINCT FROM
        coalesce(users_there, repeat('0', {bits})::bit({bits}))
"""
_SET = """
    SELECT {time} AS {column}, {selected}, known.id / {bits} AS chunk,
        bit_or(set_bit(repeat('0', {bits})::bit({bits}), mod(known.id, {bits}), 1)) AS users
    FROM {facts} {joins} WHERE {condition} GROUP BY {time}, {words}, known.id / {bits}
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
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {WAIT_FOR_LOCK}")
        for statement in ADD_WORDS:  # words alone: they count nothing
            cursor.execute(statement.format(source=_EVENTS), {"since": since})
    for table in FOLDED_TABLES:
        say(f"{table.name} …")
        # Finer grains are kept for less long; of a span that begins in mid-day only a part would be there.
        oldest = (timezone.now() - rollup_kept(table)).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(
            days=1
        )
        statement, correction = (_of_sets if table.name in USERS_TABLES else _of_sums)(table)
        _step(
            found, table.name, statement, correction if is_correcting else "", since=max(since, oldest), is_folded=True
        )
    say("issues …")
    for name, differences, correction in _ON_ISSUES:
        _step(found, name, differences, correction if is_correcting else "")
    return found


def _of_sums(table: FoldedTable) -> tuple[str, str]:
    """How to find the differences of a table of counts, and how to add them to it."""
    counter = _COUNTERS[table.name.split("_")[1]]
    numbers = counter.numbers.split(", ")
    differ = " OR ".join(f"sum({number}) <> 0" for number in numbers if number != "duration_ms")
    if "duration_ms" in numbers:  # sums of fractions depend on their order
        differ += " OR abs(sum(duration_ms)) > 1e-9 * sum(abs(duration_ms)) + 0.001"
    measures = counter.measures or counter.numbers
    statement = _DIFFERENCES.format(
        columns=f"{table.time}, {counter.columns}",
        sums=", ".join(f"sum({number})::{_TYPES.get(number, 'bigint')} AS {number}" for number in numbers),
        time=beginning(table.time), values=counter.values, numbers=counter.numbers, measures=measures,
        # A measure is a call or a list of columns.
        negative_measures=f"-{measures}" if counter.measures else _negative(numbers), negative=_negative(numbers),
        events=_EVENTS, waiting=_WAITING, joins=counter.joins, condition=counter.condition, table=table.name,
        column=table.time, differ=differ,
    )  # fmt: skip
    return statement, merge_into(table.name, "differences")


def _negative(numbers: list[str]) -> str:
    return ", ".join(f"-{number}" for number in numbers)


def _of_sets(table: FoldedTable) -> tuple[str, str]:
    """The same of a table of sets of users, whose rows are replaced."""
    coarse = COARSE.get(table.name.split("_")[1])
    words, selected, joins, condition = (
        (coarse.words, coarse.columns, _USER, coarse.condition)
        if coarse
        else ("series_id", "series_id", f"{_OF_SERIES} {_USER}", "true")
    )
    shape = {
        "column": table.time, "time": beginning(table.time), "bits": CHUNK, "words": words, "selected": selected,
        "joins": joins, "condition": condition,
    }  # fmt: skip
    statement = _SETS.format(
        **shape,
        table=table.name,
        expected=_SET.format(**shape, facts=_EVENTS),
        waiting=_SET.format(**shape, facts=_WAITING),
    )
    return statement, merge_into(table.name, "differences").replace("old.users | excluded.users", "excluded.users")


def _step(
    found: Comparison,
    name: str,
    differences: str,
    correction: str,
    *,
    since: datetime | None = None,
    is_folded: bool = False,
) -> None:
    """Note the differences of one counter and, with a correction, add them to it: one statement, one snapshot."""
    with transaction.atomic(), connection.cursor() as cursor:
        if is_folded:  # only folding changes these tables, and it waits meanwhile
            cursor.execute(f"SELECT {WAIT_FOR_LOCK}")
        body = f", corrected AS ({correction})" if correction else ""
        cursor.execute(
            f"WITH differences AS MATERIALIZED ({differences}){body} SELECT * FROM differences",
            {"since": since or found.since},
        )
        found.differences += [(name, _key(cursor, row), _off_by(cursor, row)) for row in cursor.fetchall()]


_NUMBERS = frozenset(("event_count", "user_count", "duration_count", "duration_ms", "histogram", "failures", "users"))


def _columns(cursor: CursorWrapper, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description or (), row, strict=True)}


def _key(cursor: CursorWrapper, row: tuple[Any, ...]) -> str:
    """The words and numbers that say which counter it is."""
    columns = _columns(cursor, row)
    shown = (value for name, value in columns.items() if name not in _NUMBERS)
    return " · ".join(str(value) for value in shown if value != "")


def _off_by(cursor: CursorWrapper, row: tuple[Any, ...]) -> int:
    columns = _columns(cursor, row)
    packed = columns.get("histogram", columns.get("failures"))
    if packed is not None:
        # Also of a difference, whose digits are of both signs.
        events = int(packed) % HISTOGRAM_SUM
        return events if 2 * events < HISTOGRAM_SUM else events - HISTOGRAM_SUM
    return int(columns["event_count"] or columns.get("user_count") or 0)
