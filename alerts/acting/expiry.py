"""Until when people silence: spans they choose from. Pure."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta, tzinfo

TOMORROW = "tomorrow"
_SPANS: Mapping[str, timedelta] = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "24h": timedelta(hours=24)}
CHOICES = (("1h", "1 hour"), ("4h", "4 hours"), ("24h", "24 hours"), (TOMORROW, "until tomorrow 9:00"))
_MORNING = time(9)


def ends_at(choice: str, *, now: datetime, zone: tzinfo) -> datetime:
    """When that span ends; tomorrow is that of the zone's calendar. Raises KeyError for what is no choice."""
    if choice == TOMORROW:
        return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), _MORNING, zone)
    return now + _SPANS[choice]
