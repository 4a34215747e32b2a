"""Uptime of a component: a bar a day, and a share. Pure.

What counts as down: a major outage counts whole, a partial one 30 %, since most can still work. Degraded means slow and counts
nothing, nor does maintenance: it was announced. Where several apply at once, the worst does. Days are those of UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from alerts.statuspage.levels import Level

DAYS = 90
WEIGHTS: Mapping[Level, float] = {Level.MAJOR: 1.0, Level.PARTIAL: 0.3}
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From when until when a component is affected; ``ends_at`` None: it still is."""

    level: Level
    starts_at: datetime
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """``seconds``: how long each level applied, of the ``measured_seconds`` for which the component existed; 0 of them: no data."""

    day: date
    seconds: Mapping[Level, float]
    measured_seconds: float

    @property
    def worst(self) -> Level | None:
        """None: no data."""
        if not self.measured_seconds:
            return None
        return max((level for level, seconds in self.seconds.items() if seconds > 0), default=Level.OPERATIONAL)

    @property
    def down_seconds(self) -> float:
        return sum(WEIGHTS.get(level, 0.0) * seconds for level, seconds in self.seconds.items())


@dataclass(frozen=True, slots=True)
class Uptime:
    """``days``: the oldest first, the last is today. ``share``: from 0 to 1, None when nothing was measured."""

    days: tuple[Day, ...]
    share: float | None

    @property
    def percentage(self) -> str:
        """``99.98 %``, rounded down: 100 % is said of what was never down."""
        if self.share is None:
            return "no data"
        if self.share >= 1:
            return "100 %"
        # Of 0.9998 there are to be 99.98 %, and not what multiplying leaves.
        hundredths = int(round(self.share * 10_000, 6))
        return f"{hundredths // 100}.{hundredths % 100:02d} %"


def uptime(spans: Iterable[Span], *, since: datetime, now: datetime, days: int = DAYS) -> Uptime:
    """Of a component that exists since ``since``, for the ``days`` days up to now."""
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=days - 1)
    begin = max(_midnight(first), since)
    pieces = _pieces(spans, begin, now)
    found = tuple(_day(first + timedelta(days=number), pieces, since, now) for number in range(days))
    measured = sum(one.measured_seconds for one in found)
    share = None if not measured else 1 - sum(one.down_seconds for one in found) / measured
    return Uptime(found, None if share is None else min(max(share, 0.0), 1.0))


type _Piece = tuple[datetime, datetime, Level]


def _pieces(spans: Iterable[Span], begin: datetime, now: datetime) -> list[_Piece]:
    """Apart from one another, in order of time, each with the worst level that applies in it."""
    edges: list[tuple[datetime, int, Level]] = []
    for span in spans:
        starts_at, ends_at = max(span.starts_at, begin), min(span.ends_at or now, now)
        if starts_at < ends_at and span.level > Level.OPERATIONAL:
            edges += [(starts_at, 1, span.level), (ends_at, -1, span.level)]
    edges.sort(key=lambda edge: edge[0])
    applying = dict.fromkeys(Level, 0)
    pieces: list[_Piece] = []
    last = begin
    for at, change, level in edges:
        worst = max((one for one, count in applying.items() if count), default=None)
        if worst is not None and last < at:
            pieces.append((last, at, worst))
        applying[level] += change
        last = at
    return pieces


def _day(day: date, pieces: Iterable[_Piece], since: datetime, now: datetime) -> Day:
    start, end = max(_midnight(day), since), min(_midnight(day) + _DAY, now)
    if start >= end:
        return Day(day, {}, 0.0)
    seconds: dict[Level, float] = {}
    for starts_at, ends_at, level in pieces:
        overlap = (min(ends_at, end) - max(starts_at, start)).total_seconds()
        if overlap > 0:
            seconds[level] = seconds.get(level, 0.0) + overlap
    return Day(day, seconds, (end - start).total_seconds())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
