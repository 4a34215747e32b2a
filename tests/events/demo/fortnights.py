"""Fortnights that the tests share: making one takes seconds."""

from datetime import UTC, datetime
from functools import cache

from events.demo.documents import Sent
from events.demo.generator import Generator

UNTIL = datetime(2026, 3, 14, 10, 20, tzinfo=UTC)  # a Saturday


def generator(*, seed: int = 1, size: int = 60_000, days: int = 14) -> Generator:
    return Generator(seed=seed, until=UNTIL, days=days, size=size)


@cache
def fortnight(seed: int = 1, size: int = 60_000) -> tuple[Sent, ...]:
    """All events of a fortnight. Do not change them."""
    return tuple(generator(seed=seed, size=size).events())


def named(name: str) -> list[Sent]:
    return [event for event in fortnight() if event.document["event"] == name]
