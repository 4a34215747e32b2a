"""How many events a minute a key and a service may send. Counted at accept, in memory, and shared through Redis.

Each process counts by itself and adds what it counted to Redis four times a second, where it learns what the others counted: no
request waits for Redis, and a limit is overrun by what arrives within a quarter of a second at most. The window slides: the
last minute's count fades out while this one's grows. While Redis is away each process knows its own count only, so limits are
wider than set, never narrower.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import redis
import structlog

from events.ingest.known import KnownKey

logger = structlog.get_logger(__name__)
WINDOW_SECONDS = 60
# Counts of subjects that were silent for so many minutes are forgotten.
_FORGET_AFTER_MINUTES = 3


class Policy(StrEnum):
    """Which limit it is; the value is its name in RateLimit headers."""

    KEY = "key"
    SERVICE = "service"
    SPIKE = "spike"


@dataclass(frozen=True, slots=True)
class Allowance:
    """Where a sender stands against one of its limits."""

    policy: Policy
    limit: int
    remaining: int
    # Until the window has moved on so far that one more event is allowed; 0 when it is now.
    retry_after_seconds: int

    @property
    def is_exhausted(self) -> bool:
        return self.retry_after_seconds > 0


Subject = tuple[str, int]


@dataclass(slots=True)
class _Count:
    """Events of one subject in this minute and the last, everywhere as far as is known."""

    minute: int
    current: int = 0
    previous: int = 0
    unshared: int = 0

    def move_to(self, minute: int) -> None:
        if minute != self.minute:
            self.previous = self.current if minute == self.minute + 1 else 0
            self.current = self.unshared = 0
            self.minute = minute


class Limiter:
    """One a process. Times are seconds since 1970, so that processes agree on the minute."""

    def __init__(self) -> None:
        self._counts: dict[Subject, _Count] = {}
        self._lock = threading.Lock()
        self.is_shared = True

    def forget(self) -> None:
        """For tests: the keys of another database have the same ids."""
        self._counts.clear()

    def standing(self, key: KnownKey, *, now: float) -> list[Allowance]:
        """Where the sender stands against each of its limits; empty when it has none."""
        limits = (
            (Policy.KEY, key.key_limit, ("key", key.id)),
            (Policy.SERVICE, key.service_limit, ("service", key.service_id)),
            (Policy.SPIKE, key.spike_allowance, ("service", key.service_id)),
        )
        return [self._allowance(policy, limit, subject, now) for policy, limit, subject in limits if limit]

    def count(self, key: KnownKey, events: int, *, now: float) -> None:
        """Count what was let in."""
        if not (key.key_limit or key.service_limit or key.spike_allowance):
            return
        minute = int(now // WINDOW_SECONDS)
        with self._lock:
            for subject in (("key", key.id), ("service", key.service_id)):
                counted = self._counts.get(subject)
                if counted is None:
                    counted = self._counts[subject] = _Count(minute)
                counted.move_to(minute)
                counted.current += events
                counted.unshared += events

    def _allowance(self, policy: Policy, limit: int, subject: Subject, now: float) -> Allowance:
        counted = self._counts.get(subject)
        if counted is None:
            return Allowance(policy, limit, limit, 0)
        minute, elapsed = divmod(now, WINDOW_SECONDS)
        previous, current = _in_minute(counted, int(minute))
        used = previous * (1 - elapsed / WINDOW_SECONDS) + current
        if used < limit:
            return Allowance(policy, limit, math.floor(limit - used), 0)
        return Allowance(policy, limit, 0, max(math.ceil(_seconds_until_below(limit, previous, current, elapsed)), 1))

    def share(self, client: Callable[[], redis.Redis], *, now: float) -> None:
        """Add what was counted to Redis and learn what others counted. Never raises."""
        minute = int(now // WINDOW_SECONDS)
        if not (batch := self._take_unshared(minute)):
            return
        try:
            totals = _exchange(client(), batch, minute)
        except redis.RedisError as error:
            self._say_alone(error)
            self._put_back(batch, minute)
            return
        if not self.is_shared:
            logger.info("rate_limits_shared_again")
            self.is_shared = True
        with self._lock:
            for (subject, _), (total, before) in zip(batch, totals, strict=True):
                counted = self._counts[subject]
                if counted.minute == minute:
                    counted.current = total + counted.unshared
                    counted.previous = max(before, counted.previous)

    def _take_unshared(self, minute: int) -> list[tuple[Subject, int]]:
        """Only this thread forgets subjects, so those it took are there when it comes back."""
        with self._lock:
            for subject in [s for s, c in self._counts.items() if minute - c.minute > _FORGET_AFTER_MINUTES]:
                del self._counts[subject]
            batch = []
            for subject, counted in self._counts.items():
                if counted.minute == minute:
                    batch.append((subject, counted.unshared))
                    counted.unshared = 0
        return batch

    def _put_back(self, batch: Iterable[tuple[Subject, int]], minute: int) -> None:
        with self._lock:
            for subject, unshared in batch:
                counted = self._counts[subject]
                if counted.minute == minute:
                    counted.unshared += unshared

    def _say_alone(self, error: Exception) -> None:
        if self.is_shared:
            logger.warning("rate_limits_not_shared", reason=str(error), effect="each process counts alone")
        self.is_shared = False


def _in_minute(counted: _Count, minute: int) -> tuple[int, int]:
    """(previous, current) as they look from that minute."""
    if counted.minute == minute:
        return counted.previous, counted.current
    return (counted.current, 0) if counted.minute == minute - 1 else (0, 0)


def _seconds_until_below(limit: int, previous: int, current: int, elapsed: float) -> float:
    """When the sliding count falls below the limit if nothing more is let in."""
    if current < limit:
        # Within this minute: previous * (1 - t / window) + current = limit.
        return WINDOW_SECONDS * (1 - (limit - current) / previous) - elapsed
    return WINDOW_SECONDS - elapsed + WINDOW_SECONDS * (1 - limit / current)


def _exchange(client: redis.Redis, batch: Iterable[tuple[Subject, int]], minute: int) -> list[tuple[int, int]]:
    """Add to the counts of this minute; answer each (total of this minute, total of the last)."""
    pipeline = client.pipeline(transaction=False)
    for (kind, number), unshared in batch:
        name = f"liftmon:rate:{kind}:{number}"
        pipeline.incrby(f"{name}:{minute}", unshared)
        pipeline.expire(f"{name}:{minute}", WINDOW_SECONDS * _FORGET_AFTER_MINUTES)
        pipeline.get(f"{name}:{minute - 1}")
    answers = pipeline.execute()
    return [(int(answers[at]), int(answers[at + 2] or 0)) for at in range(0, len(answers), 3)]


def headers_of(standing: list[Allowance]) -> dict[str, str]:
    """RateLimit headers (draft-ietf-httpapi-ratelimit-headers): every policy, and the one that leaves least."""
    if not standing:
        return {}
    tightest = min(standing, key=lambda allowance: allowance.remaining / allowance.limit)
    reset = tightest.retry_after_seconds or WINDOW_SECONDS - int(time.time()) % WINDOW_SECONDS
    return {
        "RateLimit-Policy": ", ".join(f'"{one.policy}";q={one.limit};w={WINDOW_SECONDS}' for one in standing),
        "RateLimit": f'"{tightest.policy}";r={tightest.remaining};t={reset}',
    }


limiter = Limiter()
