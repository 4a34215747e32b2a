"""Traffic that goes on: visits that begin now and send their events when they happen."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from threading import Event as Flag
from typing import Final

from events.demo.delivery import BATCH, Connection, Door, TryAgainError, pause_seconds
from events.demo.documents import Sent, Source, milliseconds
from events.demo.generator import EVENTS_PER_VISIT, Generator
from events.demo.traffic import weight

_TICK_SECONDS: Final = 1.0
# Visits last minutes: those that began before us are played from where they are.
_RUN_UP: Final = timedelta(minutes=4)
# What is kept for a server that is away; beyond that the oldest are forgotten.
_MOST_KEPT: Final = 5_000
# A longer gap (a machine that slept) is not made up for.
_LONGEST_GAP: Final = timedelta(minutes=1)


def trickle(
    *,
    generator: Generator,
    doors: Mapping[Source, Door],
    rate: float,
    stop: Flag,
    say: Callable[[str], object],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """Send about ``rate`` events a second, more in the evening and fewer at night, until ``stop`` is set.

    A server that is away is asked again with growing pauses and mentioned once. Raises RefusedError when it says no.
    """
    arrivals = _Arrivals(generator, rate, since=now() - _RUN_UP, from_ms=milliseconds(now()))
    with ExitStack() as opened:
        connections = {door: opened.enter_context(Connection(door)) for door in dict.fromkeys(doors.values())}
        outbox = _Outbox(doors, connections, say)
        while not stop.is_set():
            outbox.add(arrivals.until(now()))
            stop.wait(max(outbox.flush(), _TICK_SECONDS))


class _Arrivals:
    """Visits as they come, at random moments, and their events in order of time."""

    def __init__(self, generator: Generator, rate: float, *, since: datetime, from_ms: int) -> None:
        self._generator = generator
        self._visits_per_second = rate / EVENTS_PER_VISIT
        self._next_at = since
        self._from_ms = from_ms
        self._random = Random()  # noqa: S311 - made-up traffic needs no cryptography
        self._coming: list[tuple[int, int, Sent]] = []
        self._number = count()

    def until(self, moment: datetime) -> list[Sent]:
        """What has happened since the last call."""
        if moment - self._next_at > _LONGEST_GAP + _RUN_UP:
            self._next_at = moment
        while self._next_at <= moment:
            for event in self._generator.visit(self._random, self._next_at):
                if event.at_ms >= self._from_ms:
                    heapq.heappush(self._coming, (event.at_ms, next(self._number), event))
            pause = self._random.expovariate(self._visits_per_second * weight(self._next_at))
            self._next_at += timedelta(seconds=pause)
        moment_ms = milliseconds(moment)
        ready = []
        while self._coming and self._coming[0][0] <= moment_ms:
            ready.append(heapq.heappop(self._coming)[2])
        return ready


class _Outbox:
    """What the doors have still to get."""

    def __init__(
        self, doors: Mapping[Source, Door], connections: Mapping[Door, Connection], say: Callable[[str], object]
    ) -> None:
        self._doors = doors
        self._connections = connections
        self._say = say
        self._waiting: dict[Door, list[Sent]] = {door: [] for door in connections}
        self._failures = 0

    def add(self, events: Iterable[Sent]) -> None:
        for event in events:
            self._waiting[self._doors[event.source]].append(event)

    def flush(self) -> float:
        """Send what waits; answers how many seconds to leave the server alone."""
        try:
            for door, waiting in self._waiting.items():
                while batch := waiting[:BATCH]:
                    self._connections[door].post([event.document for event in batch])
                    del waiting[: len(batch)]
                    self._note_success()
        except TryAgainError as error:
            return self._note_failure(error)
        return 0.0

    def _note_success(self) -> None:
        if self._failures:
            self._say("The server is back; the demo's traffic goes on.")
            self._failures = 0

    def _note_failure(self, error: TryAgainError) -> float:
        if not self._failures:
            self._say(f"{error}. The demo's traffic waits for it.")
        self._failures += 1
        for waiting in self._waiting.values():
            del waiting[:-_MOST_KEPT]
        return pause_seconds(error, self._failures)
