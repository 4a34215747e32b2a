"""Minutes as numbers: since 1970, in UTC."""

from datetime import UTC, datetime


def minute_of(moment: datetime) -> int:
    """Down to the full minute."""
    return int(moment.timestamp() // 60)


def at(minute: int) -> datetime:
    return datetime.fromtimestamp(60 * minute, UTC)
