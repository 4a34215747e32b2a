"""What rules are judged by: counts of a window by the words of events. Reads rollups, never events.

A window's last minute is the one that runs. Everything that was stored counts at once, folded or not.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils import timezone

from alerts.judging.grouping import Catalogue
from alerts.matching import Words
from events.rollup_tables import FACTS

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
WORDS = "service_id, name, severity, endpoint, environment, release, labels"
_OF_SERIES = f"JOIN (SELECT id AS series_id, {WORDS} FROM events_series) AS series USING (series_id)"


type Takes = Callable[[Words], bool]
# Rows of facts come with their words; folded ones with the number of their series.
NO_WORDS = "NULL::int, NULL, NULL, NULL, NULL, NULL, NULL::jsonb"


class Ledger:
    """The series that were read of, by number: those of events_series, and below zero what is not folded yet.

    Most rules do not care for releases. To them series that differ in that alone are one shape, of which there are far fewer.
    """

    def __init__(self) -> None:
        self.catalogue, self.shapes = Catalogue(), Catalogue()
        self.shape_of: dict[int, int] = {}
        self._shapes: dict[tuple[Any, ...], int] = {}
        self._numbers: dict[tuple[Any, ...], int] = {}

    def _add(self, number: int, row: tuple[Any, ...]) -> None:
        words = words_of(row)
        self.catalogue.add(number, words)
        shape = self._shapes.setdefault((*row[:5], row[6]), len(self._shapes))
        if shape == len(self.shapes.words):
            self.shapes.add(shape, replace(words, release=""))
        self.shape_of[number] = shape

    def number_of(self, row: tuple[Any, ...]) -> int:
        """Of a fact, by its words as they were read."""
        number = self._numbers.get(row)
        if number is None:
            number = self._numbers[row] = -1 - len(self._numbers)
            self._add(number, row)
        return number

    def learn(self, numbers: Iterable[int]) -> None:
        """The words of folded series, of those that are not known yet."""
        unknown = [number for number in numbers if number not in self.catalogue.words]
        if unknown:
            self._read("WHERE id = ANY(%s)", [unknown])

    def learn_all(self) -> None:
        self._read("", [])

    def _read(self, condition: str, parameters: list[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id, {WORDS} FROM events_series {condition} ORDER BY id", parameters)
            for number, *words in cursor.fetchall():
                self._add(number, tuple(words))


@contextmanager
def one_moment(*, longest_seconds: int = 0) -> Iterator[None]:
    """What is read within is of one moment, however often it is folded meanwhile; inside another transaction, as that says.

    A statement that takes longer than ``longest_seconds`` (0: no limit) raises OperationalError.
    """
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if longest_seconds:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{longest_seconds}s"])
        yield


def counts(ledger: Ledger, *, start: datetime, end: datetime) -> dict[int, int]:
    """Events by series: minutes up to the full hour, hours, and minutes again. Both bounds on the full minute.

    Indexes: the primary keys of events_count_minutes and events_count_hours (time first).
    """
    first, last = _full_hours(start, end)
    found = rows_by_number(
        ledger,
        f"""
        SELECT series_id, sum(event_count)::bigint, {NO_WORDS} FROM (
            SELECT series_id, event_count FROM events_count_minutes WHERE minute >= %(start)s AND minute < %(first)s
            UNION ALL SELECT series_id, event_count FROM events_count_hours WHERE hour >= %(first)s AND hour < %(last)s
            UNION ALL SELECT series_id, event_count FROM events_count_minutes WHERE minute >= %(last)s AND minute < %(end)s
        ) AS folded GROUP BY series_id
        UNION ALL SELECT NULL, sum(event_count)::bigint, {WORDS} FROM {FACTS}
        WHERE minute >= %(start)s AND minute < %(end)s GROUP BY {WORDS}
        """,
        {"start": start, "end": end, "first": first, "last": last},
    )
    return {number: int(count) for number, count in found}


def histograms(ledger: Ledger, *, start: datetime, end: datetime) -> dict[int, dict[int, int]]:
    """Response times by series: events by bucket (events.latency)."""
    first, last = _full_hours(start, end)
    rows = rows_by_number(
        ledger,
        f"""
        SELECT series_id, bucket, sum(event_count)::bigint, {NO_WORDS} FROM (
            SELECT series_id, bucket, event_count FROM events_bucket_minutes
            WHERE (minute >= %(start)s AND minute < %(first)s) OR (minute >= %(last)s AND minute < %(end)s)
            UNION ALL SELECT series_id, bucket, event_count FROM (
                SELECT series_id, sum(histogram) AS histogram FROM events_latency_hours
                WHERE hour >= %(first)s AND hour < %(last)s GROUP BY series_id
            ) AS hours CROSS JOIN LATERAL events_buckets(histogram)
        ) AS told JOIN events_series ON events_series.id = series_id WHERE name = 'api_response_time' GROUP BY series_id, bucket
        UNION ALL SELECT NULL, bucket, sum(event_count)::bigint, {WORDS} FROM {FACTS}
        WHERE minute >= %(start)s AND minute < %(end)s AND bucket IS NOT NULL AND name = 'api_response_time'
        GROUP BY {WORDS}, bucket
        """,
        {"start": start, "end": end, "first": first, "last": last},
    )
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for number, bucket, count in rows:
        found[number][bucket] = int(count)
    return found


def users_by_series(
    ledger: Ledger, *, start: datetime, end: datetime, severities: Iterable[str]
) -> dict[int, set[str]]:
    """Which users (their hashes) events of these severities named, by series."""
    rows = rows_by_number(
        ledger,
        f"""
        SELECT series_id, user_hash, {NO_WORDS} FROM (
            SELECT DISTINCT series_id, user_id FROM events_user_minutes WHERE minute >= %(start)s AND minute < %(end)s
        ) AS told JOIN events_series ON events_series.id = series_id JOIN events_usernumber AS known ON known.id = user_id
        WHERE severity = ANY(%(severities)s)
        UNION ALL SELECT DISTINCT NULL::int, user_hash, {WORDS} FROM {FACTS}
        WHERE minute >= %(start)s AND minute < %(end)s AND user_hash <> '' AND severity = ANY(%(severities)s)
        """,
        {"start": start, "end": end, "severities": list(severities)},
    )
    found: dict[int, set[str]] = defaultdict(set)
    for number, user in rows:
        found[number].add(user)
    return found


def last_heard(ledger: Ledger, *, since: datetime, now: datetime) -> dict[int, datetime]:
    """When each series was last heard of, to the minute, of those that were since then."""
    rows = rows_by_number(
        ledger,
        f"""
        SELECT series_id, max(minute), {NO_WORDS} FROM events_count_minutes
        WHERE minute >= %(since)s AND minute <= %(now)s GROUP BY series_id
        UNION ALL SELECT NULL, max(minute), {WORDS} FROM {FACTS} WHERE minute >= %(since)s AND minute <= %(now)s GROUP BY {WORDS}
        """,
        {"since": since, "now": now},
    )
    return dict(rows)


def rows_by_number(ledger: Ledger, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Numbers of series and values, of a statement whose rows have the seven words behind them, which go to the ledger."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    ledger.learn({row[0] for row in rows if row[0] is not None})
    return [row[:-7] if row[0] is not None else (ledger.number_of(row[-7:]), *row[1:-7]) for row in rows]


def users_of(*, start: datetime, end: datetime, severities: Iterable[str], takes: Takes) -> set[str]:
    """The users whom events of these severities and words named."""
    return {user for words, user in users(start=start, end=end, severities=severities) if takes(words)}


def users(*, start: datetime, end: datetime, severities: Iterable[str]) -> list[tuple[Words, str]]:
    """Which users events of these severities named, by series: words and the user's hash."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {WORDS}, user_hash FROM (
                SELECT DISTINCT series_id, user_id FROM events_user_minutes WHERE minute >= %(start)s AND minute < %(end)s
            ) AS told {_OF_SERIES} JOIN events_usernumber AS known ON known.id = user_id WHERE severity = ANY(%(severities)s)
            UNION SELECT {WORDS}, user_hash FROM {FACTS}
            WHERE minute >= %(start)s AND minute < %(end)s AND user_hash <> '' AND severity = ANY(%(severities)s)
            """,
            {"start": start, "end": end, "severities": list(severities)},
        )
        return [(words_of(row), row[7]) for row in cursor.fetchall()]


def by_minute(*, start: datetime, end: datetime) -> list[tuple[Words, datetime, int]]:
    """Events by series and minute. Both bounds on the full minute."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {WORDS}, minute, event_count FROM events_count_minutes {_OF_SERIES}
            WHERE minute >= %(start)s AND minute < %(end)s
            UNION ALL SELECT {WORDS}, minute, sum(event_count)::bigint FROM {FACTS}
            WHERE minute >= %(start)s AND minute < %(end)s GROUP BY {WORDS}, minute
            """,
            {"start": start, "end": end},
        )
        return [(words_of(row), row[7], int(row[8])) for row in cursor.fetchall()]


def first_heard() -> datetime | None:
    """The first hour of which anything is counted. Index: the primary key of events_count_hours (hour first)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT least((SELECT min(hour) FROM events_count_hours), "
            f"(SELECT date_trunc('hour', min(minute), 'UTC') FROM {FACTS}))"
        )
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


# --- Of few series, by the minute: what one alert was judged by ---------------------------------------------------------


def kinds_by_minute(
    *, start: datetime, end: datetime, kind_of: Callable[[Words], int]
) -> list[tuple[datetime, int, int]]:
    """Events by minute and kind: minute, kind, events. ``kind_of`` gives each series its kind; those of kind 0 are left out.

    Index: the primary key of events_count_minutes (time first). The database adds up, so that a day of many series is a few rows.
    """
    kinds = _series(kind_of)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT minute, kind, sum(event_count)::bigint
            FROM events_count_minutes JOIN unnest(%(ids)s::int[], %(kinds)s::int[]) AS wanted(series_id, kind) USING (series_id)
            WHERE minute >= %(start)s AND minute < %(end)s GROUP BY minute, kind
            """,
            {"start": start, "end": end, "ids": list(kinds), "kinds": list(kinds.values())},
        )
        folded = [(minute, kind, int(count)) for minute, kind, count in cursor.fetchall()]
    fresh = ((minute, kind_of(words), count) for words, minute, _, _, count in _facts(start, end))
    return folded + [one for one in fresh if one[1]]


def buckets_by_minute(*, start: datetime, end: datetime, takes: Takes) -> list[tuple[datetime, int, int]]:
    """Response times by minute and bucket (events.latency): minute, bucket, events."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT minute, bucket, sum(event_count)::bigint FROM events_bucket_minutes
            WHERE minute >= %(start)s AND minute < %(end)s AND series_id = ANY(%(ids)s) GROUP BY minute, bucket
            """,
            {"start": start, "end": end, "ids": list(_series(takes))},
        )
        folded = [(minute, bucket, int(count)) for minute, bucket, count in cursor.fetchall()]
    facts = _facts(start, end)
    return folded + [
        (minute, bucket, count) for words, minute, bucket, _, count in facts if bucket is not None and takes(words)
    ]


def users_by_minute(*, start: datetime, end: datetime, takes: Takes) -> list[tuple[datetime, str]]:
    """Which users events named in which minute: minute and the user's hash, some of them twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT minute, user_hash FROM events_user_minutes JOIN events_usernumber AS known ON known.id = user_id
            WHERE minute >= %(start)s AND minute < %(end)s AND series_id = ANY(%(ids)s)
            """,
            {"start": start, "end": end, "ids": list(_series(takes))},
        )
        folded = [(minute, user) for minute, user in cursor.fetchall()]
    return folded + [(minute, user) for words, minute, _, user, _ in _facts(start, end) if user and takes(words)]


def _series(kind_of: Callable[[Words], int]) -> dict[int, int]:
    """The kind of each series that has one, by its number."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {WORDS}, id FROM events_series")
        kinds = {row[7]: int(kind_of(words_of(row))) for row in cursor.fetchall()}
    return {number: kind for number, kind in kinds.items() if kind}


def _facts(start: datetime, end: datetime) -> list[tuple[Words, datetime, int | None, str, int]]:
    """What is not folded yet: words, minute, bucket, user, events."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {WORDS}, minute, bucket, user_hash, sum(event_count)::bigint FROM {FACTS}
            WHERE minute >= %(start)s AND minute < %(end)s GROUP BY {WORDS}, minute, bucket, user_hash
            """,
            {"start": start, "end": end},
        )
        return [(words_of(row), row[7], row[8], row[9], int(row[10])) for row in cursor.fetchall()]


def words_of(row: tuple[Any, ...]) -> Words:
    service_id, name, severity, endpoint, environment, release, labels = row[:7]
    return Words(service_id, name, severity, endpoint, environment, release, _labels(labels))


@lru_cache(maxsize=20_000)
def _labels(text: str) -> dict[str, str]:
    """Rows by the minute repeat them over and over."""
    return dict(orjson.loads(text))


def full_minute(at: datetime) -> datetime:
    """Down to it, in UTC."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def weekday_of(at: datetime) -> int:
    """On the clock of this installation; 0 is Monday."""
    return timezone.localtime(at, timezone.get_default_timezone()).weekday()


def _full_hours(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """The first and the last full hour between them; both are ``end`` where there is none."""
    down = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    first = down if down == start else down + _HOUR
    last = end.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return (first, last) if first <= last else (end, end)


def words_seen(*, most: int = 40) -> dict[str, list[str]]:
    """What events were named so far, to choose from: ``environment`` and ``endpoint``, each by the alphabet."""
    found = {}
    with connection.cursor() as cursor:
        for word in ("environment", "endpoint"):
            cursor.execute(
                f"SELECT DISTINCT {word} FROM events_series WHERE {word} <> '' ORDER BY {word} LIMIT %(most)s",
                {"most": most},
            )
            found[word] = [row[0] for row in cursor.fetchall()]
    return found
