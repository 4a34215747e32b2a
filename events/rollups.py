"""Counting: facts are appended with each batch and folded later, so that writers never wait for one another's counters.

What is kept is told in `events.rollup_tables`. A fact is what some events of one minute have in common: their series
(service, name, severity, endpoint, environment, release, labels), user, latency bucket and fingerprint. Folding turns facts into
numbers by series and time, and users into sets; what most questions ask for is folded once more by fewer words (COARSE). The views
of `events.models.rollup` add what is not folded yet, so counts are exact at every moment; reports read the folded tables alone and
are as old as the last folding.
"""

import math
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
import structlog
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Sum

from events.ingest.types import PreparedEvent
from events.latency import GAMMA, LARGEST_MS, SMALLEST_MS, ZERO_BUCKET, bucket_of
from events.models import EventRollup
from events.rollup_tables import CHUNK, COARSE, FACTS, FAILED, FAILURES, FAILURES_CHUNK, FOLDED_TABLES

logger = structlog.get_logger(__name__)
# Facts that one transaction folds, and the memory for each step of it.
_BATCH = 100_000
_WORK_MEM = "64MB"
LOCK = "pg_try_advisory_xact_lock(hashtext('events.rollups.compact'))"
WAIT_FOR_LOCK = "pg_advisory_xact_lock(hashtext('events.rollups.compact'))"


def append_facts(cursor: CursorWrapper, events: Iterable[PreparedEvent], fingerprint_ids: dict[Any, int]) -> None:
    """Append what the events add to every counter; call it inside the transaction that stores them.

    ``fingerprint_ids`` gives the id of each (service_id, hash).
    """
    facts: dict[Any, list[Any]] = {}
    for prepared in events:
        event = prepared.event
        # Beyond that many years sums would overflow.
        duration = None if event.duration_ms is None else min(event.duration_ms, LARGEST_MS)
        key = (
            prepared.service_id,
            event.name,
            prepared.severity.value,
            event.endpoint,
            event.environment,
            event.release,
            orjson.dumps(prepared.labels, option=orjson.OPT_SORT_KEYS).decode() if prepared.labels else "{}",
            event.occurred_at.replace(second=0, microsecond=0),
            event.user_hash,
            None if duration is None else bucket_of(duration),
            fingerprint_ids[prepared.service_id, prepared.fingerprint.hash] if prepared.fingerprint else None,
        )
        sums = facts.get(key)
        if sums is None:
            facts[key] = sums = [0, 0, 0.0]
        sums[0] += 1
        if duration is not None:
            sums[1] += 1
            sums[2] += duration
    with cursor.copy(f"COPY {FACTS} FROM STDIN") as copy:
        for key, sums in facts.items():
            copy.write_row((*key, *sums))


# `events.latency.bucket_of` of the column duration_ms, in SQL.
LATENCY_BUCKET = (
    f"CASE WHEN duration_ms < {SMALLEST_MS!r} THEN {ZERO_BUCKET} "
    f"ELSE ceil(ln(least(duration_ms, {LARGEST_MS!r})) / {math.log(GAMMA)!r}::float8) END::smallint"
)
_WORDS = "service_id, name, severity, endpoint, environment, release, labels"


def beginning(grain: str) -> str:
    """SQL: when the minute, five minutes, hour or day began that the column ``minute`` lies in."""
    if grain == "minute":
        return "minute"
    if grain == "five":
        return "date_bin('5 minutes', minute, '2000-01-01 00:00+00')"
    return f"date_trunc('{grain}', minute, 'UTC')"


# From so many facts on it costs less to read all series and users than to look up those of each fact.
_MANY = 2_000
_SERIES_KEY = f"events_series_key({_WORDS})"
FACT_KEY = f"events_series_key({', '.join(f'fact.{word.strip()}' for word in _WORDS.split(','))})"
_NEXT = f"(SELECT ctid FROM {FACTS} LIMIT {_BATCH})"
_NO_USERS = f"repeat('0', {CHUNK})::bit({CHUNK})"
# The set of the users that some rows with a ``user_id`` of one chunk name.
SET_OF_USERS = f"bit_or(set_bit({_NO_USERS}, mod(user_id, {CHUNK}), 1))"

# The words, users and releases that are new.
ADD_SERIES = f"""
    WITH words AS (
        SELECT {_SERIES_KEY} AS key, {_WORDS} FROM (SELECT DISTINCT {_WORDS} FROM {{source}}) AS found
    )
    INSERT INTO events_series (key, {_WORDS})
    SELECT key, {_WORDS} FROM words WHERE NOT EXISTS (SELECT FROM events_series AS known WHERE known.key = words.key)
    ORDER BY key ON CONFLICT DO NOTHING
"""
ADD_USERS = """
    WITH found AS MATERIALIZED (
        SELECT user_hash, min(minute AT TIME ZONE 'UTC')::date AS first_day, max(minute AT TIME ZONE 'UTC')::date AS last_day
        FROM {source} WHERE user_hash <> '' GROUP BY user_hash
    ), seen_again AS (
        UPDATE events_usernumber AS known
        SET first_day = least(known.first_day, found.first_day), last_day = greatest(known.last_day, found.last_day)
        FROM found WHERE known.user_hash = found.user_hash
            AND (found.first_day < known.first_day OR found.last_day > known.last_day)
    )
    -- Numbers without gaps keep sets small: an INSERT that turns into an UPDATE would take one all the same.
    INSERT INTO events_usernumber (user_hash, first_day, last_day)
    SELECT * FROM found WHERE NOT EXISTS (SELECT FROM events_usernumber AS known WHERE known.user_hash = found.user_hash)
    ORDER BY user_hash ON CONFLICT DO NOTHING
"""
ADD_RELEASES = """
    INSERT INTO events_release AS known (service_id, release, environment, first_seen_at, last_seen_at)
    SELECT found.* FROM (
        SELECT service_id, release, environment, min(minute) AS first_seen_at, max(minute) AS last_seen_at
        FROM {source} WHERE release <> '' GROUP BY 1, 2, 3
    ) AS found LEFT JOIN events_release AS already USING (service_id, release, environment)
    WHERE already.release IS NULL OR found.first_seen_at < already.first_seen_at OR found.last_seen_at > already.last_seen_at
    ORDER BY 1, 2, 3
    ON CONFLICT (service_id, release, environment) DO UPDATE SET
        first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
        last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)
"""
# What must be known before facts can be folded. ``{source}`` has the columns of a fact.
ADD_WORDS = (ADD_SERIES, ADD_USERS, ADD_RELEASES)
# Facts whose words or user came after these statements looked stay for the next round.
_TAKEN = f"""
    taken AS (
        DELETE FROM {FACTS} AS fact USING events_series AS series
        WHERE fact.ctid = ANY(ARRAY{_NEXT}) AND series.key = {FACT_KEY}
            AND (fact.user_hash = '' OR EXISTS (SELECT FROM events_usernumber AS known WHERE known.user_hash = fact.user_hash))
        RETURNING series.id AS series_id, fact.*
    )"""
# Each folding: its table, its key and how that is grouped, its values, and what becomes of a value that is there already.
_SUMS = "sum(event_count) AS event_count, sum(duration_count) AS duration_count, sum(duration_ms) AS duration_ms"
_FOLDS = f"""
    , count_minutes AS (SELECT minute, series_id, {_SUMS} FROM taken GROUP BY 1, 2)
    , count_hours AS (SELECT date_trunc('hour', minute, 'UTC') AS hour, series_id, {_SUMS} FROM count_minutes GROUP BY 1, 2)
    , count_days AS (SELECT date_trunc('day', hour, 'UTC') AS day, series_id, {_SUMS} FROM count_hours GROUP BY 1, 2)
    , bucket_minutes AS (
        SELECT minute, series_id, bucket, sum(event_count) AS event_count FROM taken WHERE bucket IS NOT NULL GROUP BY 1, 2, 3)
    , latency_fives AS (
        SELECT {beginning("five")} AS five, series_id, sum(events_histogram(bucket, event_count::bigint)) AS histogram
        FROM bucket_minutes GROUP BY 1, 2)
    , latency_hours AS (
        SELECT date_trunc('hour', five, 'UTC') AS hour, series_id, sum(histogram) AS histogram FROM latency_fives GROUP BY 1, 2)
    , latency_days AS (
        SELECT date_trunc('day', hour, 'UTC') AS day, series_id, sum(histogram) AS histogram FROM latency_hours GROUP BY 1, 2)
    , user_minutes AS (
        SELECT minute, series_id, known.id AS user_id, sum(event_count) AS event_count
        FROM taken JOIN events_usernumber AS known USING (user_hash) GROUP BY 1, 2, 3)
    , user_fives AS (SELECT {beginning("five")} AS five, series_id, user_id FROM user_minutes GROUP BY 1, 2, 3)
    , users_fives AS (
        SELECT five, series_id, user_id / {CHUNK} AS chunk, {SET_OF_USERS} AS users FROM user_fives GROUP BY 1, 2, 3)
    , users_hours AS (
        SELECT date_trunc('hour', five, 'UTC') AS hour, series_id, chunk, bit_or(users) AS users FROM users_fives GROUP BY 1, 2, 3)
    , users_days AS (
        SELECT date_trunc('day', hour, 'UTC') AS day, series_id, chunk, bit_or(users) AS users FROM users_hours GROUP BY 1, 2, 3)
    , userfailure_minutes AS (
        SELECT minute, known.id AS user_id, series_id, sum(event_count) AS event_count
        FROM taken AS fact JOIN events_usernumber AS known USING (user_hash) WHERE {FAILED} GROUP BY 1, 2, 3)
    , failures_days AS (
        SELECT date_trunc('day', minute, 'UTC') AS day, service_id, environment, user_id / {FAILURES_CHUNK} AS chunk,
            sum(events_failures_of(user_id, event_count::bigint)) AS failures
        FROM userfailure_minutes JOIN events_series ON events_series.id = series_id
        WHERE severity IN {FAILURES!r} GROUP BY 1, 2, 3, 4)
    , failuresanywhere_days AS (
        SELECT day, environment, chunk, sum(failures) AS failures FROM failures_days GROUP BY 1, 2, 3)
    , issue_hours AS (
        SELECT fingerprint_id, date_trunc('hour', minute, 'UTC') AS hour, sum(event_count) AS event_count
        FROM taken WHERE fingerprint_id IS NOT NULL GROUP BY 1, 2)
"""
# By which column sets are kept apart besides their words, and how rows are merged.
_MERGED = {
    "users": (", chunk", "bit_or(users) AS users"),
    "latency": ("", "sum(histogram) AS histogram"),
    "count": ("", _SUMS),
}


def _coarser(kind: str) -> str:
    coarse = COARSE[kind]
    chunk, merged = _MERGED[coarse.finer]
    finest = coarse.grains[0]
    return f"""
    , {kind}_{finest}s AS (
        SELECT {finest}, {coarse.columns}{chunk}, {merged}
        FROM {coarse.finer}_{finest}s JOIN events_series ON events_series.id = series_id
        WHERE {coarse.condition} GROUP BY {finest}, {coarse.words}{chunk})
    , {kind}_hours AS (
        SELECT date_trunc('hour', {finest}, 'UTC') AS hour, {coarse.words}{chunk}, {merged} FROM {kind}_{finest}s
        GROUP BY date_trunc('hour', {finest}, 'UTC'), {coarse.words}{chunk})
    , {kind}_days AS (
        SELECT date_trunc('day', hour, 'UTC') AS day, {coarse.words}{chunk}, {merged} FROM {kind}_hours
        GROUP BY date_trunc('day', hour, 'UTC'), {coarse.words}{chunk})"""


_ADDED = (
    "event_count = old.event_count + excluded.event_count, duration_count = old.duration_count + excluded.duration_count, "
    "duration_ms = old.duration_ms + excluded.duration_ms"
)
_ADDED_COUNT = "event_count = old.event_count + excluded.event_count"
_ADDED_HISTOGRAM = "histogram = old.histogram + excluded.histogram"
_ADDED_FAILURES = "failures = old.failures + excluded.failures"
_ADDED_USERS = "users = old.users | excluded.users"
_CHANGES = {"users": _ADDED_USERS, "latency": _ADDED_HISTOGRAM, "count": _ADDED}
_KEYS_AND_CHANGES = {
    "count": ("series_id", _ADDED),
    "bucket": ("series_id, bucket", _ADDED_COUNT),
    "latency": ("series_id", _ADDED_HISTOGRAM),
    "user": ("series_id, user_id", _ADDED_COUNT),
    "users": ("series_id, chunk", _ADDED_USERS),
    "failures": ("service_id, environment, chunk", _ADDED_FAILURES),
    "failuresanywhere": ("environment, chunk", _ADDED_FAILURES),
    "userfailure": ("user_id, series_id", _ADDED_COUNT),
    "issue": ("fingerprint_id", _ADDED_COUNT),
    **{kind: (f"{coarse.words}{_MERGED[coarse.finer][0]}", _CHANGES[coarse.finer]) for kind, coarse in COARSE.items()},
}


def merge_into(table: str, source: str) -> str:
    """SQL that adds the rows of ``source``, which has the columns of the folded ``table``, to it."""
    kind, grain = table.removeprefix("events_").split("_")
    keys, change = _KEYS_AND_CHANGES[kind]
    key = f"{grain.removesuffix('s')}, {keys}"
    # A coarse kind has the values of the finer one.
    values = {
        "count": "event_count, duration_count, duration_ms",
        "latency": "histogram",
        "users": "users",
        "failures": "failures",
        "failuresanywhere": "failures",
    }.get(COARSE[kind].finer if kind in COARSE else kind, "event_count")
    return (
        f"INSERT INTO {table} AS old ({key}, {values}) SELECT {key}, {values} FROM {source} "
        f"ORDER BY {key} ON CONFLICT ({key}) DO UPDATE SET {change}"
    )


_STORED = "".join(
    f"\n    , stored_{table.name} AS ({merge_into(table.name, table.name.removeprefix('events_'))})"
    for table in FOLDED_TABLES
)
_FOLD = f"WITH {_TAKEN}{_FOLDS}{''.join(_coarser(kind) for kind in COARSE)}{_STORED}\n    SELECT count(*) FROM taken"


def compact() -> int:
    """Fold what was appended; answer how many facts that were. Counts stay the same at every moment.

    One at a time: a second call while one runs folds nothing.
    """
    folded = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT {LOCK}")
            if not cursor.fetchone()[0]:
                return folded
            # Scans of a large table begin where others are; all statements of a round must find the same facts.
            cursor.execute("SET LOCAL synchronize_seqscans = off")
            cursor.execute(f"SET LOCAL work_mem = '{_WORK_MEM}'")
            # The planner takes a batch for ten facts: with cheap look-ups it might look all of them up for each series. Where it
            # takes users or series for few, too, as after a VACUUM of empty tables, it would go through all facts for each of them.
            cursor.execute("SET LOCAL random_page_cost = 4")
            cursor.execute(f"SELECT count(*) FROM (SELECT 1 FROM {FACTS} LIMIT {_MANY}) AS first")
            if cursor.fetchone()[0] == _MANY:
                cursor.execute("SET LOCAL enable_nestloop = off")
            source = f"(SELECT * FROM {FACTS} WHERE ctid = ANY(ARRAY{_NEXT})) AS facts"
            for statement in ADD_WORDS:
                cursor.execute(statement.format(source=source))
            cursor.execute(_FOLD)
            facts = int(cursor.fetchone()[0])
        folded += facts
        if facts < _BATCH:
            return folded


def events_per_service(service_ids: Sequence[int], *, start: datetime) -> dict[int, int]:
    """How many events each service sent since ``start``, in one query; services without any are left out."""
    rows = EventRollup.objects.filter(service_id__in=service_ids, minute__gte=start).values_list("service_id")
    return dict(rows.annotate(total=Sum("event_count")).values_list("service_id", "total"))


def events_per_name(names: Sequence[str], *, start: datetime) -> dict[str, int]:
    """How many events of each name came since ``start``, in one query; names without any are left out."""
    rows = EventRollup.objects.filter(name__in=names, minute__gte=start).values_list("name")
    return dict(rows.annotate(total=Sum("event_count")).values_list("name", "total"))
