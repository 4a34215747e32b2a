"""The fortnight as a stream of documents, ordered by time and fixed by its seed."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final
from uuid import UUID, uuid5

from events.demo.documents import Sent, milliseconds, moment_of
from events.demo.lift import Population
from events.demo.stories import HOUR_MS, Stories
from events.demo.traffic import weight
from events.demo.visits import Visits

USUAL_SIZE: Final = 200_000
_NAMESPACE: Final = UUID("5f0ac2de-6f0c-4f9e-9a35-1f2d1d7c0b6e")
# Measured over many seeds: what a visit sends, and what the stories add to a usual fortnight.
EVENTS_PER_VISIT: Final = 14.9
_STORY_EVENTS: Final = 1_050


class Generator:
    """Makes lift's events for the ``days`` before ``until`` (aware, UTC), about ``size`` of them.

    Every hour is made on its own from the seed, so equal arguments give equal events, whenever and wherever.
    """

    def __init__(self, *, seed: int, until: datetime, days: int = 14, size: int = USUAL_SIZE) -> None:
        self._seed = seed
        self.size = size
        self.since, self.until = until - timedelta(days=days), until
        self._until_ms = milliseconds(until)
        self._since_ms = milliseconds(self.since)
        self.population = Population(seed)
        self.stories = Stories(seed=seed, until=until, scale=size / USUAL_SIZE, population=self.population)
        self._visits = Visits(population=self.population, stories=self.stories)
        ordinary = max(size - _STORY_EVENTS * size / USUAL_SIZE, 0)
        self._visits_an_hour = ordinary / EVENTS_PER_VISIT / (days * 24)

    def events(self, *, since: datetime | None = None, before: datetime | None = None) -> Iterator[Sent]:
        """All events, oldest first; or only those of a part, so that parts one after another are the whole."""
        since_ms = max(self._since_ms, milliseconds(since) if since else 0)
        end_ms = min(self._until_ms, milliseconds(before) if before else self._until_ms)
        pending: list[Sent] = []
        # Visits run on into the next hour, never longer: one hour earlier begins what may still be going on.
        for hour in range(since_ms // HOUR_MS - 1, -(-end_ms // HOUR_MS)):
            pending += self.hour(hour)
            pending.sort(key=_at)
            # What is sent in the next hour waits for what that hour brings itself.
            ready = bisect_left(pending, min((hour + 1) * HOUR_MS, end_ms), key=_at)
            yield from pending[bisect_left(pending, since_ms, key=_at) : ready]
            del pending[:ready]

    def hour(self, hour: int) -> list[Sent]:
        """The events of what begins in one hour, counted from 1970, oldest first, each with its ``event_id``."""
        random = Random(f"lift {self._seed} {hour}")  # noqa: S311 - made-up traffic needs no cryptography
        start_ms = hour * HOUR_MS
        busyness = weight(moment_of(start_ms)) * random.uniform(0.92, 1.08)
        events = list(self.stories.of_hour(hour))
        expected = self._visits_an_hour * busyness
        for _ in range(int(expected + random.random())):
            events += self._visits.play(random, start_ms + int(random.random() * HOUR_MS), busyness)
        events.sort(key=_at)
        day, hour_of_day = divmod(hour, 24)
        for index, event in enumerate(events):
            event.document["event_id"] = str(uuid5(_NAMESPACE, f"{self._seed} {day} {hour_of_day} {index}"))
        return events

    def visit(self, random: Random, at: datetime) -> list[Sent]:
        """The events of one visit that begins at ``at``, for traffic that goes on; their ids are random."""
        events = self._visits.play(random, milliseconds(at), weight(at))
        for event in events:
            event.document["event_id"] = str(UUID(int=random.getrandbits(128), version=4))
        return events


def _at(event: Sent) -> int:
    return event.at_ms
