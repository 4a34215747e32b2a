"""What rules are judged by: counts of a window by the words of events. Reads rollups, never events.

A window's last minute is the one that runs. Everything that was stored counts at once, folded or not.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from django.db import connection

from alerts.matching import Words
from events.rollups import FACTS

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
_WORDS = "service_id, name, severity, endpoint, environment, release, labels"
_OF_SERIES = f"JOIN (SELECT id AS series_id, {_WORDS} FROM events_series) AS series USING (series_id)"


type Takes = Callable[[Words], bool]


class CountOf(NamedTuple):
    words: Words
    event_count: int


def counts(*, start: datetime, end: datetime) -> list[CountOf]:
    """Events by series: minutes up to the full hour, hours, and minutes again. Both bounds on the full minute.

    Indexes: the primary keys of events_count_minutes and events_count_hours (time first).
    """
    first, last = _full_hours(start, end)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {_WORDS}, sum(event_count)::bigint FROM (
                SELECT series_id, sum(event_count) AS event_count FROM (
                    SELECT series_id, event_count FROM events_count_minutes WHERE minute >= %(start)s AND minute < %(first)s
                    UNION ALL SELECT series_id, event_count FROM events_count_hours WHERE hour >= %(first)s AND hour < %(last)s
                    UNION ALL SELECT series_id, event_count FROM events_count_minutes WHERE minute >= %(last)s AND minute < %(end)s
                ) AS folded GROUP BY series_id
            ) AS totals {_OF_SERIES} GROUP BY {_WORDS}
            UNION ALL SELECT {_WORDS}, sum(event_count)::bigint FROM {FACTS}
            WHERE minute >= %(start)s AND minute < %(end)s GROUP BY {_WORDS}
            """,
            {"start": start, "end": end, "first": first, "last": last},
        )
        return [CountOf(_words(row), int(row[7])) for row in cursor.fetchall()]


def histograms(*, start: datetime, end: datetime) -> list[tuple[Words, int, int]]:
    """Response times by series and bucket (events.latency): words, bucket, events."""
    first, last = _full_hours(start, end)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {_WORDS}, bucket, sum(event_count)::bigint FROM (
                SELECT series_id, bucket, event_count FROM events_bucket_minutes
                WHERE (minute >= %(start)s AND minute < %(first)s) OR (minute >= %(last)s AND minute < %(end)s)
                UNION ALL SELECT series_id, bucket, event_count FROM (
                    SELECT series_id, sum(histogram) AS histogram FROM events_latency_hours
                    WHERE hour >= %(first)s AND hour < %(last)s GROUP BY series_id
                ) AS hours CROSS JOIN LATERAL events_buckets(histogram)
            ) AS told {_OF_SERIES} WHERE name = 'api_response_time' GROUP BY {_WORDS}, bucket
            UNION ALL SELECT {_WORDS}, bucket, sum(event_count)::bigint FROM {FACTS}
            WHERE minute >= %(start)s AND minute < %(end)s AND bucket IS NOT NULL AND name = 'api_response_time'
            GROUP BY {_WORDS}, bucket
            """,
            {"start": start, "end": end, "first": first, "last": last},
        )
        return [(_words(row), row[7], int(row[8])) for row in cursor.fetchall()]


def users_of(*, start: datetime, end: datetime, severities: Iterable[str], takes: Takes) -> set[str]:
    """The users whom events of these severities and words named."""
    return {user for words, user in users(start=start, end=end, severities=severities) if takes(words)}


def users(*, start: datetime, end: datetime, severities: Iterable[str]) -> list[tuple[Words, str]]:
    """Which users events of these severities named, by series: words and the user's hash."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {_WORDS}, user_hash FROM (
                SELECT DISTINCT series_id, user_id FROM events_user_minutes WHERE minute >= %(start)s AND minute < %(end)s
            ) AS told {_OF_SERIES} JOIN events_usernumber AS known ON known.id = user_id WHERE severity = ANY(%(severities)s)
            UNION SELECT {_WORDS}, user_hash FROM {FACTS}
            WHERE minute >= %(start)s AND minute < %(end)s AND user_hash <> '' AND severity = ANY(%(severities)s)
            """,
            {"start": start, "end": end, "severities": list(severities)},
        )
        return [(_words(row), row[7]) for row in cursor.fetchall()]


def by_minute(*, start: datetime, end: datetime) -> list[tuple[Words, datetime, int]]:
    """Events by series and minute. Both bounds on the full minute."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {_WORDS}, minute, event_count FROM events_count_minutes {_OF_SERIES}
            WHERE minute >= %(start)s AND minute < %(end)s
            UNION ALL SELECT {_WORDS}, minute, sum(event_count)::bigint FROM {FACTS}
            WHERE minute >= %(start)s AND minute < %(end)s GROUP BY {_WORDS}, minute
            """,
            {"start": start, "end": end},
        )
        return [(_words(row), row[7], int(row[8])) for row in cursor.fetchall()]


def last_heard(*, since: datetime, now: datetime) -> list[tuple[Words, datetime]]:
    """When each series was last heard of, to the minute, of those that were since then."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {_WORDS}, max(minute) FROM (
                SELECT series_id, max(minute) AS minute FROM events_count_minutes
                WHERE minute >= %(since)s AND minute <= %(now)s GROUP BY series_id
            ) AS told {_OF_SERIES} GROUP BY {_WORDS}
            UNION ALL SELECT {_WORDS}, max(minute) FROM {FACTS} WHERE minute >= %(since)s AND minute <= %(now)s GROUP BY {_WORDS}
            """,
            {"since": since, "now": now},
        )
        return [(_words(row), row[7]) for row in cursor.fetchall()]


def first_heard() -> datetime | None:
    """The first hour of which anything is counted. Index: the primary key of events_count_hours (hour first)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT least((SELECT min(hour) FROM events_count_hours), (SELECT min(minute) FROM {FACTS}))")
        return cursor.fetchone()[0]  # type: ignore[no-any-return]


def _words(row: tuple[Any, ...]) -> Words:
    service_id, name, severity, endpoint, environment, release, labels = row[:7]
    return Words(service_id, name, severity, endpoint, environment, release, _labels(labels))


@lru_cache(maxsize=20_000)
def _labels(text: str) -> dict[str, str]:
    """Rows by the minute repeat them over and over."""
    return dict(orjson.loads(text))


def full_minute(at: datetime) -> datetime:
    """Down to it, in UTC."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


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
