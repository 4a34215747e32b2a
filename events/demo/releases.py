"""The releases of *lift*: Tuesday and Thursday afternoon, each rolled out over three hours."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

_FIRST: Final = datetime(2025, 1, 7, 14, 0, tzinfo=UTC)  # a Tuesday
_WEEK: Final = timedelta(days=7)
_TO_THURSDAY: Final = timedelta(days=2)
# Hours after the start → the share of servers and pages that run the new release.
_ROLLOUT: Final = ((1.0, 0.1), (2.0, 0.35), (3.0, 0.75))


def released_at(number: int) -> datetime:
    """When the rollout of release ``number`` begins."""
    return _FIRST + _WEEK * (number // 2) + (_TO_THURSDAY if number % 2 else timedelta())


def newest(at: datetime) -> int:
    """The number of the newest release whose rollout has begun."""
    weeks = (at - _FIRST) // _WEEK
    number = 2 * weeks + 1
    return number if released_at(number) <= at else number - 1


def name_of(number: int) -> str:
    """``lift@3.17.0``: what the events of that release carry."""
    return f"lift@{2 + number // 60}.{number % 60}.0"


def pick(random: Random, at: datetime) -> int:
    """The release that one visitor meets: the newest, or during a rollout perhaps still the one before."""
    number = newest(at)
    hours = (at - released_at(number)).total_seconds() / 3600
    share = next((share for limit, share in _ROLLOUT if hours < limit), 1.0)
    return number if random.random() < share else number - 1
