"""What a replay found, and the points of its chart."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.conditions import Judged
from alerts.replaying.course import ReplayedAlert, excess
from alerts.replaying.minutes import at, minute_of


@dataclass(frozen=True, slots=True)
class Point:
    """The worst that a step had: the value of the group furthest beyond its threshold; of immediate rules, how many events came.
    None where nothing was known."""

    start: datetime
    value: float | None
    threshold: float | None


@dataclass(slots=True)
class Replay:
    """``since`` is later than ``asked_since`` where less is kept, and ``note`` says so.

    ``refusal`` says why nothing could be replayed; "" when it was.
    """

    asked_since: datetime
    since: datetime
    until: datetime
    step: timedelta
    alerts: list[ReplayedAlert] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    # Alerts that were over before they fired.
    brief_count: int = 0
    # What would have been put into the outbox for the channels of today's routes.
    message_count: int = 0
    # Whether there ever was enough to judge by.
    is_known: bool = False
    note: str = ""
    refusal: str = ""


class Columns:
    """Collects the points of the chart: from ``since`` on, cut at the full steps of UTC."""

    def __init__(self, found: Replay) -> None:
        self._step = int(found.step.total_seconds()) // 60
        self._first = minute_of(found.since)
        self._last = minute_of(found.until)
        self._worst: dict[int, Judged] = {}
        self._counts: dict[int, int] = {}

    def is_first(self, minute: int) -> bool:
        """Whether a column begins with the minute."""
        return minute == self._first or minute % self._step == 0

    def note(self, minute: int, judged: Judged) -> None:
        column = minute // self._step
        if judged.value is not None and (column not in self._worst or excess(judged) > excess(self._worst[column])):
            self._worst[column] = judged

    def count(self, minute: int, events: int) -> None:
        column = minute // self._step
        self._counts[column] = self._counts.get(column, 0) + events

    def points(self, *, are_events: bool) -> Iterator[Point]:
        for column in range(self._first // self._step, (self._last - 1) // self._step + 1):
            start = at(max(column * self._step, self._first))
            if are_events:
                yield Point(start, float(self._counts.get(column, 0)), None)
            else:
                worst = self._worst.get(column)
                yield Point(start, worst.value if worst else None, worst.threshold if worst else None)
