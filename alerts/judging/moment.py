"""What a rule's condition says of one group at a moment. Pure: live judging and replays differ in who answers `Moment` alone."""

import math
from collections.abc import Iterable, Mapping, Sized
from datetime import timedelta
from typing import Protocol

from alerts.conditions import (
    BURN_WINDOWS,
    AbsenceCondition,
    BurnRateCondition,
    Condition,
    Counted,
    Judged,
    LatencyCondition,
    SpikeCondition,
    ThresholdCondition,
)
from alerts.judging.grouping import Tally
from events.latency import milliseconds_of

# How far back it is looked for events that are absent now.
HEARD_SINCE = timedelta(days=8)
BURN_SECONDS = tuple(sorted({one for long, short, _ in BURN_WINDOWS for one in (long, short)}))
_NOTHING = Tally()


class Moment(Protocol):
    """What was counted of the series of one rule up to a moment; everything by the keys of its groups.

    Windows are given by their seconds and end with the minute that runs; a window of ``days_ago`` ends at the same time of an
    earlier day.
    """

    def counts(self, seconds: int, *, days_ago: int = 0) -> Mapping[str, Tally]: ...

    def users(self, seconds: int) -> Mapping[str, Sized]:
        """The different users whom failures named."""
        ...

    def latencies(self, seconds: int) -> Mapping[str, Mapping[int, int]]:
        """Requests by bucket (events.latency)."""
        ...

    def silences(self) -> Mapping[str, float | None]:
        """Seconds since each group was heard of; None for never."""
        ...

    def known_days(self, seconds: int) -> int:
        """Of how many days before the window was counted."""
        ...

    def weekday(self) -> int:
        """Of the window's last minute, on the clock of this installation; 0 is Monday."""
        ...


def groups(condition: Condition, moment: Moment) -> Iterable[str]:
    """The keys of the groups that there is anything to judge of."""
    if isinstance(condition, ThresholdCondition | SpikeCondition):
        return moment.counts(condition.window_seconds)
    if isinstance(condition, LatencyCondition):
        return moment.latencies(condition.window_seconds)
    if isinstance(condition, AbsenceCondition):
        return moment.silences()
    if isinstance(condition, BurnRateCondition):
        # The longest window has what the shorter ones have.
        return moment.counts(BURN_SECONDS[-1])
    return ()


def judge(condition: Condition, moment: Moment, key: str) -> Judged | None:
    """Of one group; None where there is nothing to judge, or the condition is not one of windows."""
    if isinstance(condition, ThresholdCondition):
        tally = moment.counts(condition.window_seconds).get(key)
        if tally is None:
            return None
        users = len(moment.users(condition.window_seconds).get(key, ())) if condition.measure == "users" else 0
        return condition.judge(tally.counted(users=users))
    if isinstance(condition, LatencyCondition):
        latencies = moment.latencies(condition.window_seconds).get(key)
        return condition.judge(Counted(latencies=latencies), milliseconds_of) if latencies else None
    if isinstance(condition, SpikeCondition):
        tally = moment.counts(condition.window_seconds).get(key)
        if tally is None:
            return None
        seconds = condition.window_seconds
        earlier = condition.earlier(moment.known_days(seconds), moment.weekday())
        counts = [moment.counts(seconds, days_ago=ago).get(key, _NOTHING).events for ago in earlier.days_ago]
        return condition.judge(tally.events, counts, earlier)
    if isinstance(condition, AbsenceCondition):
        silences = moment.silences()
        return condition.judge(silences[key]) if key in silences else None
    if isinstance(condition, BurnRateCondition):
        if key not in moment.counts(BURN_SECONDS[-1]):
            return None
        return condition.judge({one: moment.counts(one).get(key, _NOTHING).counted() for one in BURN_SECONDS})
    return None


def known_days(known_since_seconds: float | None, window_seconds: int) -> int:
    """Of how many days before the window was counted, when anything is since so many seconds ago (None: nothing is)."""
    if known_since_seconds is None:
        return 0
    return max(math.floor((known_since_seconds - window_seconds) / 86400), 0)


def silent_seconds(since_minute_seconds: float) -> float:
    """Heard in a minute is heard until its end: from the seconds since its beginning."""
    return max(since_minute_seconds - 60, 0.0)
