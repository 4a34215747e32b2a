"""What was counted up to each minute of the past: read once, and moved on minute by minute. The `judging.Moment` of replays.

Each window keeps its sums and takes in what comes while it lets go what leaves, so that a minute costs what changed in it and not
what the windows hold.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from alerts.conditions import (
    MOST_DAYS,
    MOST_WEEKS,
    AbsenceCondition,
    BurnRateCondition,
    Condition,
    Earlier,
    LatencyCondition,
    SpikeCondition,
    ThresholdCondition,
)
from alerts.judging.counting import weekday_of
from alerts.judging.grouping import Catalogue, Member, Members, Tally
from alerts.judging.moment import BURN_SECONDS, HEARD_SINCE, known_days, silent_seconds
from alerts.matching import Match
from alerts.replaying.history import BUCKETS, COUNTS, USERS, History, Source
from alerts.replaying.minutes import at

_DAY = 24 * 60
_HEARD = int(HEARD_SINCE.total_seconds()) // 60


def minutes_of(seconds: int) -> int:
    """A window begins on a full minute, so it has that many."""
    return math.ceil(seconds / 60)


def needs(condition: Condition) -> list[tuple[Source, int]]:
    """From where a condition is judged, and how many minutes back."""
    if isinstance(condition, ThresholdCondition):
        minutes = minutes_of(condition.window_seconds)
        return [(COUNTS, minutes), *([(USERS, minutes)] if condition.measure == "users" else [])]
    if isinstance(condition, LatencyCondition):
        return [(BUCKETS, minutes_of(condition.window_seconds))]
    if isinstance(condition, SpikeCondition):
        days = 7 * MOST_WEEKS if condition.takes_weeks else MOST_DAYS
        return [(COUNTS, minutes_of(condition.window_seconds) + days * _DAY)]
    if isinstance(condition, AbsenceCondition):
        return [(COUNTS, _HEARD)]
    if isinstance(condition, BurnRateCondition):
        return [(COUNTS, minutes_of(BURN_SECONDS[-1]))]
    return []


class _Window:
    """Rows of the minutes from ``length + offset`` before the present one up to ``offset`` before it."""

    def __init__(
        self, rows: Sequence[tuple[Any, ...]], length: int, offset: int, add: Callable[[tuple[Any, ...], int], str]
    ) -> None:
        self._rows, self._length, self._offset, self._add = rows, length, offset, add
        self._entered = self._left = 0

    def move_to(self, minute: int, changed: set[str]) -> None:
        """``minute`` is the first that does not count; ``changed`` gets the keys of the groups whose sums changed."""
        rows, add, last = self._rows, self._add, minute - self._offset
        place = self._entered
        while place < len(rows) and rows[place][0] < last:
            changed.add(add(rows[place], 1))
            place += 1
        self._entered, first = place, last - self._length
        place = self._left
        while place < self._entered and rows[place][0] < first:
            changed.add(add(rows[place], -1))
            place += 1
        self._left = place


class _Silences(Mapping[str, float | None]):
    """By group, from the minute in which each was heard last."""

    def __init__(self, standing: Sequence[str]) -> None:
        self.now = 0
        self.last: dict[str, int | None] = dict.fromkeys(standing)

    def __getitem__(self, key: str) -> float | None:
        minute = self.last[key]
        return None if minute is None else silent_seconds(60.0 * (self.now - minute))

    def __iter__(self) -> Iterator[str]:
        return iter(self.last)

    def __len__(self) -> int:
        return len(self.last)


class Series:
    """What a rule is about: which series in which groups, and what was counted of them."""

    def __init__(self, match: Match, group_by: Sequence[str]) -> None:
        self.members: Members

        def members(catalogue: Catalogue) -> Members:
            self.members = Members(match, group_by, catalogue)
            return self.members

        self.history: History[Member] = History(members)


class Slide:
    """Begins before ``start``, so that its windows are full at the first minute; ends before ``end``."""

    def __init__(
        self, condition: Condition, series: Series, *, start: int, end: int, heard_since: float | None
    ) -> None:
        """``heard_since``: the minute since which anything is counted at all; None when nothing is."""
        self._condition, self._heard_since = condition, heard_since
        self._history, self._standing = series.history, series.members.standing
        self._windows: list[_Window] = []
        self._counts: dict[tuple[int, int], dict[str, Tally]] = {}
        self._users: dict[str, dict[str, int]] = {}
        self._latencies: dict[str, dict[int, int]] = {}
        self._silences = _Silences(self._standing)
        self._minute = start
        self._earlier: Earlier | None = None
        self._prepare(dict(needs(condition)), start, end)

    def _prepare(self, lookback: Mapping[Source, int], start: int, end: int) -> None:
        condition, history = self._condition, self._history
        if BUCKETS in lookback:
            buckets = history.buckets(start - lookback[BUCKETS], end)
            self._windows.append(_Window(buckets, lookback[BUCKETS], 0, self._add_bucket))
        if USERS in lookback:
            self._windows.append(
                _Window(history.users(start - lookback[USERS], end), lookback[USERS], 0, self._add_user)
            )
        if COUNTS in lookback:
            rows = history.counts(start - lookback[COUNTS], end)
            if isinstance(condition, AbsenceCondition):
                self._windows.append(_Window(rows, end - start + lookback[COUNTS], 0, self._hear))
            elif isinstance(condition, ThresholdCondition):
                self._count(rows, condition.window_seconds)
            elif isinstance(condition, SpikeCondition):
                for ago in sorted({0, *self._days_ago(condition, start, end)}):
                    self._count(rows, condition.window_seconds, ago)
            elif isinstance(condition, BurnRateCondition):
                for seconds in BURN_SECONDS:
                    self._count(rows, seconds)

    def _days_ago(self, condition: SpikeCondition, start: int, end: int) -> set[int]:
        """Of all days that something is compared with."""
        found: set[int] = set()
        for minute in range(start, end + 1):
            self._minute = minute
            found.update(condition.earlier(self.known_days(condition.window_seconds), self.weekday()).days_ago)
        self._minute = start
        return found

    def _count(self, rows: Sequence[tuple[int, int, int]], seconds: int, days_ago: int = 0) -> None:
        standing, kinds = self._standing, self._history.kinds
        tallies = self._counts[seconds, days_ago] = {key: Tally() for key in standing}

        def add(row: tuple[int, int, int], sign: int) -> str:
            member = kinds[row[1]]
            tally = tallies.get(member.key)
            if tally is None:
                tally = tallies[member.key] = Tally()
            tally.add(member, sign * row[2])
            if not tally.volume and member.key not in standing:
                del tallies[member.key]
            return member.key

        self._windows.append(_Window(rows, minutes_of(seconds), _DAY * days_ago, add))

    def _add_user(self, row: tuple[int, int, str], sign: int) -> str:
        return _add(self._users, self._history.kinds[row[1]].key, row[2], sign)

    def _add_bucket(self, row: tuple[int, int, int, int], sign: int) -> str:
        return _add(self._latencies, self._history.kinds[row[1]].key, row[2], sign * row[3])

    def _hear(self, row: tuple[int, int, int], sign: int) -> str:
        key = self._history.kinds[row[1]].key
        self._silences.last[key] = row[0]
        return key

    def move_to(self, minute: int) -> set[str]:
        """Judge at the beginning of that minute, of all before it. The keys of the groups of which something changed."""
        changed: set[str] = set()
        self._minute = self._silences.now = minute
        for window in self._windows:
            window.move_to(minute, changed)
        if isinstance(self._condition, AbsenceCondition):
            changed |= self._silent(minute, self._condition.window_seconds)
        if isinstance(self._condition, SpikeCondition):
            earlier = self._condition.earlier(self.known_days(self._condition.window_seconds), self.weekday())
            if earlier != self._earlier:
                self._earlier = earlier
                changed |= self._counts[self._condition.window_seconds, 0].keys()
        return changed

    def _silent(self, minute: int, limit_seconds: int) -> set[str]:
        """Groups that are silent for longer than the limit, and those that are forgotten by that."""
        last = self._silences.last
        since, latest = minute - _HEARD, minute - 1 - limit_seconds / 60
        found = {key for key, heard in last.items() if heard is not None and heard <= latest}
        for key in found:
            if (last[key] or 0) < since:
                del last[key]
                last |= {one: None for one in self._standing if one == key}
        return found

    # --- judging.Moment -----------------------------------------------------------------------------------------------

    def counts(self, seconds: int, *, days_ago: int = 0) -> Mapping[str, Tally]:
        return self._counts[seconds, days_ago]

    def users(self, seconds: int) -> Mapping[str, Mapping[str, int]]:
        return self._users

    def latencies(self, seconds: int) -> Mapping[str, Mapping[int, int]]:
        return self._latencies

    def silences(self) -> Mapping[str, float | None]:
        return self._silences

    def weekday(self) -> int:
        return weekday_of(at(self._minute - 1))

    def known_days(self, seconds: int) -> int:
        return known_days(None if self._heard_since is None else 60.0 * (self._minute - self._heard_since), seconds)


def _add[Value](sums: dict[str, dict[Value, int]], key: str, value: Value, count: int) -> str:
    """Nothing is kept of what sums up to nothing."""
    of_group = sums.setdefault(key, {})
    total = of_group.get(value, 0) + count
    if total:
        of_group[value] = total
    else:
        del of_group[value]
        if not of_group:
            del sums[key]
    return key
