"""Who is on call at a moment: people who take turns, hand over at a time of day in their zone, and stand in for one another. Pure.

A hand-over at 09:00 is at 09:00 on the clock in that zone, also across a change of the clock: that shift is an hour shorter or
longer. A time that the clock skips is read with the offset before the change (02:30 becomes 03:30); of a time that comes twice the
first is meant. Moments are aware; what is answered is in UTC.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

WEEK_DAYS = 7


@dataclass(frozen=True, slots=True)
class Rotation:
    """``people``: who takes turns, in order, as ids; None for a turn whose person is gone, and who appears twice has two turns.

    The first has the turn that begins on ``first_on`` at ``hand_over`` in ``zone``; each lasts ``days``. Nobody is on call before,
    and nobody from ``until_on`` at the same time of day on, where that is given.
    """

    people: tuple[int | None, ...]
    zone: ZoneInfo
    first_on: date
    hand_over: time
    days: int = WEEK_DAYS
    until_on: date | None = None

    def begins_at(self, turn: int) -> datetime:
        """When a turn begins; the first is 0."""
        return self._at(self.first_on + timedelta(days=turn * self.days))

    def turn_at(self, at: datetime) -> int | None:
        """The turn that runs at a moment; None where the rotation does not cover it."""
        if not self.people or at < self.begins_at(0) or (self.ends_at is not None and at >= self.ends_at):
            return None
        turn = max((at.astimezone(self.zone).date() - self.first_on).days // self.days, 0)
        while turn > 0 and self.begins_at(turn) > at:
            turn -= 1
        while self.begins_at(turn + 1) <= at:
            turn += 1
        return turn

    def person_of(self, turn: int) -> int | None:
        return self.people[turn % len(self.people)]

    @property
    def ends_at(self) -> datetime | None:
        return None if self.until_on is None else self._at(self.until_on)

    def _at(self, day: date) -> datetime:
        return datetime.combine(day, self.hand_over, tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody stands in from ``starts_at`` until ``ends_at``."""

    person: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """``person`` is on call in [``starts_at``, ``ends_at``); None: nobody is."""

    person: int | None
    starts_at: datetime
    ends_at: datetime
    is_override: bool = False

    @property
    def is_gap(self) -> bool:
        return self.person is None


def on_call_at(rotation: Rotation, overrides: Sequence[Override], at: datetime) -> int | None:
    """Who is on call at a moment; None for nobody. Of overrides that cover it the last of the sequence wins."""
    return _holder(rotation, overrides, at)[1]


def shifts(rotation: Rotation, overrides: Sequence[Override], start: datetime, end: datetime) -> list[Shift]:
    """What tiles [``start``, ``end``), in order, gaps among them: each ends where the next begins. Empty for an empty span.

    Turns stay apart also where the same person has two in a row; what the span cuts off is cut off.
    """
    found: list[tuple[object, Shift]] = []
    marks = _marks(rotation, overrides, start, end)
    for begins_at, ends_at in pairwise(marks):
        source, person = _holder(rotation, overrides, begins_at)
        if found and found[-1][0] == source:
            before = found[-1][1]
            found[-1] = source, Shift(person, before.starts_at, ends_at, before.is_override)
        else:
            found.append((source, Shift(person, begins_at, ends_at, isinstance(source, Override))))
    return [shift for _, shift in found]


def gaps(rotation: Rotation, overrides: Sequence[Override], start: datetime, end: datetime) -> list[Shift]:
    """Where nobody is on call, as spans that do not touch."""
    found: list[Shift] = []
    for shift in shifts(rotation, overrides, start, end):
        if shift.is_gap:
            if found and found[-1].ends_at == shift.starts_at:
                found[-1] = Shift(None, found[-1].starts_at, shift.ends_at)
            else:
                found.append(Shift(None, shift.starts_at, shift.ends_at))
    return found


def _holder(rotation: Rotation, overrides: Sequence[Override], at: datetime) -> tuple[object, int | None]:
    """From where it is known who is on call (an override, a turn or nothing), and who that is."""
    for override in reversed(overrides):
        if override.starts_at <= at < override.ends_at:
            return override, override.person
    turn = rotation.turn_at(at)
    return turn, None if turn is None else rotation.person_of(turn)


def _marks(rotation: Rotation, overrides: Sequence[Override], start: datetime, end: datetime) -> list[datetime]:
    """The moments within the span at which it may change who is on call, with its ends; empty for an empty span."""
    if end <= start:
        return []
    inner = {one for override in overrides for one in (override.starts_at, override.ends_at)}
    inner |= set(_hand_overs(rotation, start, end))
    return sorted(
        {start.astimezone(UTC), end.astimezone(UTC)} | {one.astimezone(UTC) for one in inner if start < one < end}
    )


def _hand_overs(rotation: Rotation, start: datetime, end: datetime) -> Iterator[datetime]:
    if not rotation.people:
        return
    turn = rotation.turn_at(start) or 0
    while (at := rotation.begins_at(turn)) < end and (rotation.ends_at is None or at < rotation.ends_at):
        yield at
        turn += 1
    if rotation.ends_at is not None:
        yield rotation.ends_at
