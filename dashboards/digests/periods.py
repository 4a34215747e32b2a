"""When a digest is due, and which span of time it is about. Pure.

Due times are on the clock of the reader's zone. An hour that the clock leaves out is read as the moment at which it would have
been, an hour that comes twice as the first of the two: each day has one due time. A period is named by the day on which it is due,
so that there is one digest for it, whatever the clock does and however often somebody looks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# Later than this it is marked as late, and says so.
LATE = timedelta(hours=2)
# What was missed while everything was down is caught up with one digest, which reaches back as far as this.
LONGEST = {"daily": timedelta(days=7), "weekly": timedelta(days=28), "monthly": timedelta(days=92)}


class Kind(StrEnum):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Schedule:
    """``hour`` (0–23) on the clock of ``zone``; ``weekdays`` (Monday is 0) are those of daily ones, and the first of them is that
    of weekly ones. Monthly ones come on the first of the month."""

    hour: int
    weekdays: tuple[int, ...]
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Period:
    """``day`` names it: that of its due time on the reader's clock. ``start`` and ``end`` are what it is about, UTC."""

    kind: Kind
    day: date
    start: datetime
    end: datetime

    @property
    def due_at(self) -> datetime:
        return self.end

    def is_late(self, *, now: datetime) -> bool:
        return now - self.due_at > LATE


def due(
    kind: Kind, schedule: Schedule, *, now: datetime, told_until: datetime | None, since: datetime
) -> Period | None:
    """The newest period that is due and was not told. None when there is none.

    ``told_until`` is the end of the last period that was told: what was missed since is part of this one. ``since`` is when the
    reader asked for digests: nothing that was due before is.
    """
    newest = next(_due_days(kind, schedule, now), None)
    if newest is None:
        return None
    end = at_hour(newest, schedule)
    if end < since or (told_until is not None and end <= told_until):
        return None
    start = at_hour(_day_before(kind, newest, schedule), schedule)
    if told_until is not None and told_until < start:
        start = max(told_until, end - LONGEST[kind])
    return Period(kind, newest, start, end)


def current(kind: Kind, schedule: Schedule, *, now: datetime) -> Period:
    """The period that is being gathered now: from the last due time until now."""
    newest = next(_due_days(kind, schedule, now))
    return Period(kind, newest, at_hour(newest, schedule), now.astimezone(UTC))


def latest(kind: Kind, schedule: Schedule, *, now: datetime) -> Period:
    """The whole period that was due last, told or not."""
    newest = next(_due_days(kind, schedule, now))
    return Period(kind, newest, at_hour(_day_before(kind, newest, schedule), schedule), at_hour(newest, schedule))


def next_due(kind: Kind, schedule: Schedule, *, now: datetime) -> datetime:
    """After ``now``."""
    day = now.astimezone(schedule.zone).date() - DAY
    while True:
        if is_due_day(kind, day, schedule) and (at := at_hour(day, schedule)) > now:
            return at
        day += DAY


def at_hour(day: date, schedule: Schedule) -> datetime:
    """The moment at which the hour of the schedule comes on that day, UTC."""
    return datetime.combine(day, time(schedule.hour), schedule.zone).astimezone(UTC)


def is_due_day(kind: Kind, day: date, schedule: Schedule) -> bool:
    match kind:
        case Kind.DAILY:
            return day.weekday() in schedule.weekdays
        case Kind.WEEKLY:
            return day.weekday() == min(schedule.weekdays)
        case Kind.MONTHLY:
            return day.day == 1


def _due_days(kind: Kind, schedule: Schedule, now: datetime) -> Iterator[date]:
    """Days whose due time has come, the newest first."""
    day = now.astimezone(schedule.zone).date() + DAY
    while day > date.min + 70 * DAY:
        if is_due_day(kind, day, schedule) and at_hour(day, schedule) <= now:
            yield day
        day -= DAY


def _day_before(kind: Kind, day: date, schedule: Schedule) -> date:
    """The due day before it."""
    day -= DAY
    while not is_due_day(kind, day, schedule):
        day -= DAY
    return day
