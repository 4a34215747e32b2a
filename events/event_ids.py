"""Event ids: UUIDv7 of the time an event occurred, so that ids sort by time and name their partition."""

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime.fromtimestamp(0, UTC)
_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)


def uuid7(at: datetime) -> UUID:
    """A version 7 UUID (RFC 9562) of that millisecond with 74 random bits."""
    random = int.from_bytes(os.urandom(10), "big")
    rand_a = (random >> 62) & 0xFFF
    rand_b = random & ((1 << 62) - 1)
    return UUID(int=(_milliseconds(at) << 80) | _VERSION_AND_VARIANT | (rand_a << 64) | rand_b)


def lowest_id(at: datetime) -> UUID:
    """The smallest id of that millisecond: a bound for windows over ids."""
    return UUID(int=(_milliseconds(at) << 80) | _VERSION_AND_VARIANT)


def occurred_at_of(event_id: UUID) -> datetime | None:
    """The millisecond an id was made of, or None when it is not one of ours (not a version 7 UUID)."""
    if event_id.version != 7:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=event_id.int >> 80)
    except OverflowError:
        return None


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)  # in whole numbers: a float would round at the edge
