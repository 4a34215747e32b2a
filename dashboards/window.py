"""The window that a page looks through: which span of time, in how many steps, and which rows of the rollups make it up. Pure.

Rollups come by minute, hour and day (UTC), some by five minutes, and the finer ones not for long (events.rollup_tables).
`pieces` cuts any span into a few stretches of each, so that a question reads some hundred buckets whatever the window is: the
minutes up to the first full hour, the hours up to the first full day, the days, and back again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FIVE_MINUTES = 5 * MINUTE
PRESETS: Mapping[str, timedelta] = {"1h": HOUR, "24h": 24 * HOUR, "7d": 7 * DAY, "30d": 30 * DAY}
DEFAULT = "24h"
LONGEST = 400 * DAY
# Somewhat less than minutes (8 days) and hours (100 days) of everything are kept (events.rollup_tables).
_MINUTES_BACK, _HOURS_BACK = timedelta(days=7, hours=12), timedelta(days=99)
# Counts alone are kept by the minute for longer: days of zones that are off by half an hour are exact for a month.
COUNT_MINUTES_BACK = timedelta(days=34)
# The longest window of each step; beyond the last, weeks.
_STEPS = (
    (timedelta(hours=3), MINUTE),
    (timedelta(hours=13), 10 * MINUTE),
    (timedelta(days=2), HOUR),
    (timedelta(days=10), 3 * HOUR),
    (timedelta(days=62), DAY),
)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` up to but not including ``end``; both aware, UTC."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start


class Piece(NamedTuple):
    """A stretch of whole buckets of one grain, and the place of the span in the list that it belongs to.

    ``sign`` is -1 for hours that a day has too many, and minutes that an hour has: numbers of theirs are taken away again.
    """

    place: int
    start: datetime
    end: datetime
    sign: int = 1


@dataclass(frozen=True, slots=True)
class Pieces:
    minutes: list[Piece]
    fives: list[Piece]
    hours: list[Piece]
    days: list[Piece]


class WindowError(ValueError):
    """What a reader asked for is no window; says why in words for them."""


@dataclass(frozen=True, slots=True)
class Window:
    """``name`` is a key of PRESETS or "custom"; ``now`` is when it was asked for."""

    name: str
    span: Span
    now: datetime

    @property
    def start(self) -> datetime:
        return self.span.start

    @property
    def end(self) -> datetime:
        return self.span.end

    @property
    def is_within_a_day(self) -> bool:
        """Whether it has the same hours as days have: a day that began on the full hour is up to an hour longer."""
        return self.span.length <= DAY + HOUR

    @property
    def before(self) -> Span:
        """As long, and ending where this one starts."""
        return Span(aligned(self.start - self.span.length, self.now), self.start)

    @property
    def step(self) -> timedelta:
        """How long a bucket of a chart is: a minute up to a week, and never finer than what is still kept of that time."""
        step = next((step for longest, step in _STEPS if self.span.length <= longest), 7 * DAY)
        return max(step, _grain(self.now - self.start, _MINUTES_BACK))

    def steps(self, zone: tzinfo) -> list[Span]:
        """The buckets of a chart, oldest first: cut where the reader's clock says so, the first and last ones maybe shorter."""
        return cut(self.span, self.step, zone)


def preset(name: str, now: datetime) -> Window:
    """The last hour, day, week or month, this minute included. All but the hour begin on the full hour (UTC).

    So the first bar of a chart is a whole one like the others, and no minutes need to be read.
    """
    end = _ceil(now.astimezone(UTC), MINUTE)
    start = aligned(end - PRESETS[name], now)
    return Window(name, Span(floor(start, HOUR) if PRESETS[name] >= DAY else start, end), now)


def custom(start: datetime, end: datetime, now: datetime) -> Window:
    """Any span of the last 400 days. Raises WindowError."""
    start, end = start.astimezone(UTC), _ceil(end.astimezone(UTC), MINUTE)
    if start >= end:
        raise WindowError("The window ends before it starts." if start > end else "The window ends when it starts.")
    end = min(end, _ceil(now.astimezone(UTC), MINUTE))
    if start >= end:
        raise WindowError("The window lies in the future.")
    if now - start > LONGEST + DAY:
        raise WindowError(f"A window reaches back at most {LONGEST.days} days: counts are not kept for longer.")
    start, end = aligned(start, now), aligned_up(end, now)
    return Window("custom", Span(start, end), now)


def aligned(at: datetime, now: datetime, *, minutes_back: timedelta = _MINUTES_BACK) -> datetime:
    """Down to what is still kept: the minute, beyond a week the hour, beyond three months the day (UTC)."""
    return floor(at, _grain(now - at, minutes_back))


def aligned_up(at: datetime, now: datetime) -> datetime:
    """The same, upwards."""
    return _ceil(at, _grain(now - at, _MINUTES_BACK))


def _grain(age: timedelta, minutes_back: timedelta) -> timedelta:
    return MINUTE if age <= minutes_back else HOUR if age <= _HOURS_BACK else DAY


def floor(at: datetime, grain: timedelta) -> datetime:
    """Down to a full minute, five minutes, hour or day of UTC."""
    at = at.astimezone(UTC)
    return at - (at - datetime.min.replace(tzinfo=UTC)) % grain


def _ceil(at: datetime, grain: timedelta) -> datetime:
    low = floor(at, grain)
    return low if low == at else low + grain


def cut(span: Span, step: timedelta, zone: tzinfo) -> list[Span]:
    """Spans of one step, cut at the full steps of the zone's clock; days and weeks (from Monday) at its midnights."""
    edges = [span.start]
    edge = _next_edge(span.start, step, zone)
    while edge < span.end:
        edges.append(edge)
        edge = _next_edge(edge, step, zone)
    return [Span(start, end) for start, end in zip(edges, [*edges[1:], span.end], strict=True)]


def _next_edge(at: datetime, step: timedelta, zone: tzinfo) -> datetime:
    """The first full step after ``at``. Below a day, steps count from the hour that the zone's day began with."""
    local = at.astimezone(zone)
    today = local.date()
    if step >= DAY:
        days = 1 if step == DAY else 7 - today.weekday()
        return midnight_of(today + timedelta(days=days), zone)
    midnight = midnight_of(today, zone)
    edge = midnight + ((at - midnight) // step + 1) * step
    return min(edge, midnight_of(today + timedelta(days=1), zone))


def midnight_of(day: date, zone: tzinfo) -> datetime:
    """When the day begins there, in UTC; where midnight does not exist, when the clock goes on."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def pieces(
    spans: Sequence[Span],
    now: datetime,
    *,
    minutes_back: timedelta = _MINUTES_BACK,
    has_fives: bool = False,
    may_take_away: bool = False,
) -> Pieces:
    """The spans as stretches of minutes, hours and days, without gap or overlap; with ``has_fives`` also of five minutes.

    With ``may_take_away``, for numbers that can be subtracted, most of a day is the day without some hours, and most of an hour the
    hour without some minutes: a day of a zone that is an hour off is a day and two hours, not 24.

    A bound that falls into a grain that is kept no longer moves down to the next coarser one. A span that ends now takes the whole
    bucket of today: nothing comes after now (a clock may be a minute ahead, and its events count).
    """
    found = Pieces([], [], [], [])
    how = {"has_fives": has_fives, "may_take_away": may_take_away}
    until = _ceil(now, HOUR) if may_take_away else None
    for place, span in enumerate(spans):
        start = aligned(span.start, now, minutes_back=minutes_back)
        end = _ceil(span.end, DAY) if span.end >= now else aligned(span.end, now, minutes_back=minutes_back)
        first_hour, last_hour = _ceil(start, HOUR), floor(end, HOUR)
        if first_hour > last_hour:
            _add_part_of_hour(found, place, start, end, **how)
            continue
        _add_part_of_hour(found, place, start, first_hour, **how)
        _add_part_of_hour(found, place, last_hour, end, **how)
        first_day, last_day = _ceil(first_hour, DAY), floor(last_hour, DAY)
        if first_day > last_day:
            _add_part_of_day(found, place, first_hour, last_hour, until=until)
            continue
        _add_part_of_day(found, place, first_hour, first_day, until=until)
        _add(found.days, place, first_day, last_day)
        _add_part_of_day(found, place, last_day, last_hour, until=until)
    return found


def _add_part_of_hour(
    found: Pieces, place: int, start: datetime, end: datetime, *, has_fives: bool, may_take_away: bool
) -> None:
    """Minutes of one hour."""
    if may_take_away and end - start > HOUR / 2:
        hour, next_hour = floor(start, HOUR), _ceil(end, HOUR)
        _add(found.hours, place, hour, next_hour)
        _add_minutes(found, place, hour, start, has_fives=has_fives, sign=-1)
        _add_minutes(found, place, end, next_hour, has_fives=has_fives, sign=-1)
    else:
        _add_minutes(found, place, start, end, has_fives=has_fives)


def _add_minutes(found: Pieces, place: int, start: datetime, end: datetime, *, has_fives: bool, sign: int = 1) -> None:
    first, last = _ceil(start, FIVE_MINUTES), floor(end, FIVE_MINUTES)
    if not has_fives or first >= last:
        _add(found.minutes, place, start, end, sign)
        return
    _add(found.minutes, place, start, first, sign)
    _add(found.fives, place, first, last, sign)
    _add(found.minutes, place, last, end, sign)


def _add_part_of_day(found: Pieces, place: int, start: datetime, end: datetime, *, until: datetime | None) -> None:
    """Hours of one day, of which those after ``until`` are empty; None: none may be taken away."""
    if until is None or min(end, until) - start <= DAY / 2:
        _add(found.hours, place, start, end)
        return
    midnight, next_midnight = floor(start, DAY), _ceil(end, DAY)
    _add(found.days, place, midnight, next_midnight)
    _add(found.hours, place, midnight, start, -1)
    _add(found.hours, place, end, next_midnight, -1)


def _add(stretches: list[Piece], place: int, start: datetime, end: datetime, sign: int = 1) -> None:
    if start < end:
        stretches.append(Piece(place, start, end, sign))
