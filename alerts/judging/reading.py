"""What was counted, for live judging: each window is read once and added up once, however many rules ask."""

import operator
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

from alerts.judging import counting
from alerts.judging.grouping import Member, Members, Tally
from alerts.judging.moment import HEARD_SINCE, known_days, silent_seconds
from alerts.matching import Match, Words
from events.models import Service
from events.rollup_tables import FAILURES

_MINUTE = timedelta(minutes=1)


class Reading:
    """Of one round of judging at ``now``. Answers are by numbers of shapes, or of series ``by_release`` (counting.Ledger)."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        # The minute that runs counts; of one that begins right now there is nothing yet.
        minute = counting.full_minute(now)
        self.end = minute if minute == now else minute + _MINUTE
        self._ledger = counting.Ledger()
        self._read: dict[tuple[str, int, int, bool], Mapping[int, Any]] = {}
        self._by_minute: dict[timedelta, list[tuple[Words, datetime, int]]] = {}
        self._first: dict[int | None, datetime | None] = {}
        self._moments: dict[tuple[Match, tuple[str, ...]], LiveMoment] = {}

    def of(self, match: Match, group_by: Sequence[str]) -> "LiveMoment":
        """Rules about the same in the same groups share what was added up."""
        key = (match, tuple(group_by))
        if key not in self._moments:
            by_release = "release" in group_by
            catalogue = self._ledger.catalogue if by_release else self._ledger.shapes
            self._moments[key] = LiveMoment(self, match, Members(match, group_by, catalogue), by_release=by_release)
        return self._moments[key]

    def counts(self, seconds: int, days_ago: int, *, by_release: bool) -> Mapping[int, int]:
        def read(start: datetime, end: datetime) -> Mapping[int, int]:
            return counting.counts(self._ledger, start=start, end=end)

        return self._once("counts", seconds, days_ago, by_release, read, operator.add)

    def histograms(self, seconds: int, *, by_release: bool) -> Mapping[int, Mapping[int, int]]:
        def read(start: datetime, end: datetime) -> Mapping[int, Mapping[int, int]]:
            return counting.histograms(self._ledger, start=start, end=end)

        return self._once("histograms", seconds, 0, by_release, read, _added)

    def users(self, seconds: int, *, by_release: bool) -> Mapping[int, Set[str]]:
        def read(start: datetime, end: datetime) -> Mapping[int, Set[str]]:
            return counting.users_by_series(self._ledger, start=start, end=end, severities=FAILURES)

        return self._once("users", seconds, 0, by_release, read, operator.or_)

    def heard(self, *, by_release: bool) -> Mapping[int, datetime]:
        def read(start: datetime, end: datetime) -> Mapping[int, datetime]:
            return counting.last_heard(self._ledger, since=self.now - HEARD_SINCE, now=self.now)

        return self._once("heard", 0, 0, by_release, read, max)

    def by_minute(self, back: timedelta) -> list[tuple[Words, datetime, int]]:
        """Events by series and minute since so long ago, down to the full minute."""
        if back not in self._by_minute:
            self._by_minute[back] = counting.by_minute(start=counting.full_minute(self.now - back), end=self.end)
        return self._by_minute[back]

    def first_heard(self, service_id: int | None) -> datetime | None:
        """Since when anything is counted of the service, or at all."""
        if not self._first:
            self._first = dict(Service.objects.values_list("pk", "first_event_at"))
        known = self._first.get(service_id)
        if known is None and None not in self._first:
            self._first[None] = counting.first_heard()
        return known or self._first[None]

    def _once[Value](
        self, what: str, seconds: int, days_ago: int, by_release: bool,
        read: Callable[[datetime, datetime], Mapping[int, Value]], merge: Callable[[Value, Value], Value],
    ) -> Mapping[int, Value]:  # fmt: skip
        key = (what, seconds, days_ago, by_release)
        if key not in self._read:
            if by_release:
                end = self.end - timedelta(days=days_ago)
                self._read[key] = read(counting.full_minute(end - timedelta(seconds=seconds)), end)
            else:
                found: dict[int, Value] = {}
                for number, value in self._once(what, seconds, days_ago, True, read, merge).items():
                    shape = self._ledger.shape_of[number]
                    found[shape] = merge(found[shape], value) if shape in found else value
                self._read[key] = found
        return self._read[key]


def _added(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    return {bucket: one.get(bucket, 0) + other.get(bucket, 0) for bucket in one.keys() | other.keys()}


class LiveMoment:
    """The `judging.Moment` of the rules about one match in one grouping."""

    def __init__(self, reading: Reading, match: Match, members: Members, *, by_release: bool) -> None:
        self._reading, self._match, self._members, self._by_release = reading, match, members, by_release
        self._counts: dict[tuple[int, int], dict[str, Tally]] = {}
        self._users: dict[int, dict[str, set[str]]] = {}
        self._latencies: dict[int, dict[str, dict[int, int]]] = {}
        self._silences: dict[str, float | None] | None = None

    @property
    def labels(self) -> Mapping[str, dict[str, str]]:
        """Of the groups, by their keys."""
        return self._members.labels

    def counts(self, seconds: int, *, days_ago: int = 0) -> Mapping[str, Tally]:
        known = self._counts.get((seconds, days_ago))
        if known is None:
            known = self._counts[seconds, days_ago] = {key: Tally() for key in self._members.standing}
            for key, member, count in self._meant(self._reading.counts(seconds, days_ago, by_release=self._by_release)):
                if key not in known:
                    known[key] = Tally()
                known[key].add(member, count)
        return known

    def users(self, seconds: int) -> Mapping[str, set[str]]:
        if seconds not in self._users:
            found: dict[str, set[str]] = defaultdict(set)
            for key, _, users in self._meant(self._reading.users(seconds, by_release=self._by_release)):
                found[key].update(users)
            self._users[seconds] = dict(found)
        return self._users[seconds]

    def latencies(self, seconds: int) -> Mapping[str, Mapping[int, int]]:
        if seconds not in self._latencies:
            found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
            for key, _, buckets in self._meant(self._reading.histograms(seconds, by_release=self._by_release)):
                merged = found[key]
                for bucket, count in buckets.items():
                    merged[bucket] += count
            self._latencies[seconds] = dict(found)
        return self._latencies[seconds]

    def silences(self) -> Mapping[str, float | None]:
        """Of groups that were heard of in the last days; without grouping also of what never was."""
        if self._silences is None:
            last: dict[str, datetime] = {}
            for key, _, minute in self._meant(self._reading.heard(by_release=self._by_release)):
                if key not in last or last[key] < minute:
                    last[key] = minute
            now = self._reading.now
            self._silences = dict.fromkeys(self._members.standing)
            self._silences |= {key: silent_seconds((now - at).total_seconds()) for key, at in last.items()}
        return self._silences

    def weekday(self) -> int:
        return counting.weekday_of(self._reading.end - _MINUTE)

    def known_days(self, seconds: int) -> int:
        first = self._reading.first_heard(self._match.service_id)
        return known_days(None if first is None else (self._reading.now - first).total_seconds(), seconds)

    def _meant[Value](self, read: Mapping[int, Value]) -> Iterator[tuple[str, Member, Value]]:
        """Of what was read by series, that which the rules are about."""
        found = self._members.found()
        numbers = found.keys() & read.keys() if len(found) < len(read) else (one for one in read if one in found)
        for number in numbers:
            member = found[number]
            yield member.key, member, read[number]
