"""What was counted by the minute, for a replay: all that one rule is about, in one question to the database each.

Minutes are numbers: minutes since 1970. A row's ``kind`` says how it counts: the place of a `grouping.Member`, or of what else a
series belongs to, in `History.kinds`, so that series that count alike come as one row.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from django.db import connection

from alerts.conditions import spoken
from alerts.judging.counting import NO_WORDS, WORDS, Ledger
from alerts.judging.grouping import Catalogue
from alerts.matching import Words
from alerts.replaying.found import Replay
from alerts.replaying.minutes import at, minute_of
from events.rollup_tables import FACTS, FAILURES

# Minute, kind, events; minute, kind, a user's hash; minute, kind, bucket, events.
type CountRow = tuple[int, int, int]
type UserRow = tuple[int, int, str]
type BucketRow = tuple[int, int, int, int]
_MINUTE = "(extract(epoch FROM minute) / 60)::int"
_WANTED = "JOIN unnest(%(series)s::int[], %(kinds)s::int[]) AS wanted (series_id, kind) USING (series_id)"
_SPAN = "minute >= %(start)s AND minute < %(end)s"


@dataclass(frozen=True, slots=True)
class Source:
    """Where something is counted by the minute, and by the hour for longer."""

    minutes: str
    hours: str


COUNTS = Source("events_count_minutes", "events_count_hours")
BUCKETS = Source("events_bucket_minutes", "events_latency_hours")
USERS = Source("events_user_minutes", "events_users_hours")
_KEPT = {COUNTS: "Counts", BUCKETS: "Response times", USERS: "The users of failures"}


class Belonging[Kind: Hashable](Protocol):
    """Which series of a catalogue a rule is about, and as what each counts; the catalogue may have grown."""

    def found(self) -> Mapping[int, Kind]: ...


class History[Kind: Hashable]:
    """Of the series that a rule is about. Each question costs a scan of the minutes asked for (primary keys, time first)."""

    def __init__(self, belonging: Callable[[Catalogue], Belonging[Kind]]) -> None:
        self._ledger = Ledger()
        self._ledger.learn_all()
        self._belonging = belonging(self._ledger.catalogue)
        self.kinds: list[Kind] = []
        self._kinds: dict[Kind, int] = {}

    def counts(self, start: int, end: int) -> list[CountRow]:
        """Ascending by minute, as all of them."""
        return self._read(
            f"""
            SELECT kind, {_MINUTE}, sum(event_count)::bigint, {NO_WORDS} FROM {COUNTS.minutes} {_WANTED} WHERE {_SPAN} GROUP BY 1, 2
            UNION ALL SELECT NULL, {_MINUTE}, sum(event_count)::bigint, {WORDS} FROM {FACTS} WHERE {_SPAN} GROUP BY 2, {WORDS}
            """,
            start,
            end,
            lambda words: True,
        )

    def users(self, start: int, end: int) -> list[UserRow]:
        """Of failures."""
        return self._read(
            f"""
            SELECT DISTINCT kind, {_MINUTE}, user_hash, {NO_WORDS} FROM {USERS.minutes} {_WANTED}
            JOIN events_usernumber AS known ON known.id = user_id WHERE {_SPAN}
            UNION ALL SELECT DISTINCT NULL::int, {_MINUTE}, user_hash, {WORDS} FROM {FACTS} WHERE {_SPAN} AND user_hash <> ''
            """,
            start,
            end,
            lambda words: words.severity in FAILURES,
        )

    def buckets(self, start: int, end: int) -> list[BucketRow]:
        """Of requests."""
        return self._read(
            f"""
            SELECT kind, {_MINUTE}, bucket, sum(event_count)::bigint, {NO_WORDS} FROM {BUCKETS.minutes} {_WANTED}
            WHERE {_SPAN} GROUP BY 1, 2, 3
            UNION ALL SELECT NULL, {_MINUTE}, bucket, sum(event_count)::bigint, {WORDS} FROM {FACTS}
            WHERE {_SPAN} AND bucket IS NOT NULL GROUP BY 2, bucket, {WORDS}
            """,
            start,
            end,
            lambda words: words.name == "api_response_time",
        )

    def _read(self, statement: str, start: int, end: int, takes: Callable[[Words], bool]) -> list[Any]:
        words = self._ledger.catalogue.words
        wanted = {
            number: self._kind_of(member)
            for number, member in self._belonging.found().items()
            if number > 0 and takes(words[number])
        }
        parameters: dict[str, Any] = {
            "series": list(wanted),
            "kinds": list(wanted.values()),
            "start": at(start),
            "end": at(end),
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            read = cursor.fetchall()
        found = []
        for kind, minute, *values in read:
            values, of_fact = values[:-7], tuple(values[-7:])
            if kind is None:
                number = self._ledger.number_of(of_fact)
                member = self._belonging.found().get(number)
                if member is None or not takes(words[number]):
                    continue
                kind = self._kind_of(member)
            found.append((minute, kind, *values))
        found.sort()
        return found

    def _kind_of(self, member: Kind) -> int:
        kind = self._kinds.get(member)
        if kind is None:
            kind = self._kinds[member] = len(self.kinds)
            self.kinds.append(member)
        return kind


def complete_since(source: Source) -> int | None:
    """The first minute that is still kept, when minutes before it were forgotten; None when nothing was."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT (SELECT min(minute) FROM {source.minutes}), (SELECT min(hour) FROM {source.hours})")
        minute, hour = cursor.fetchone()
    if hour is None or (minute is not None and hour >= minute.replace(minute=0)):
        return None
    return minute_of(minute or datetime.now(UTC))


def shorten(found: Replay, needs: Sequence[tuple[Source, int]]) -> None:
    """To what is kept by the minute, with a full window before it. ``needs``: what is read, and how many minutes back."""
    for source, lookback in needs:
        kept_since = complete_since(source)
        if kept_since is not None and minute_of(found.since) - lookback < kept_since:
            found.since = at(kept_since + lookback)
            found.note = (
                f"{_KEPT[source]} are kept by the minute since {at(kept_since):%-d %b %H:%M} UTC only, and the rule looks back "
                f"{spoken(60 * lookback)}: it is replayed from {found.since:%-d %b %H:%M} UTC on."
            )
            if found.since >= found.until:
                found.refusal = (
                    f"{_KEPT[source]} are kept by the minute since {at(kept_since):%-d %b %H:%M} UTC only, and the rule looks "
                    f"back {spoken(60 * lookback)}: there is no time that it could be replayed of."
                )
