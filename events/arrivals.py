"""Events as they arrive: for the live feed, which asks every second or two."""

from datetime import datetime, timedelta

from events.event_search import EventFilter, matching_events
from events.models import Event

# A transaction commits a little after the time that its rows say: look so far back again, and leave out what is shown already.
OVERLAP = timedelta(seconds=15)
MOST = 50
# What arrived longer ago is for the list of events: a reader who was away so long begins anew.
LONGEST = timedelta(minutes=10)


def arrivals(wanted: EventFilter, *, since: datetime, now: datetime) -> list[Event]:
    """What arrived since then and a little before, the last arrivals first, at most 50; whenever in the window it occurred."""
    since = max(since, now - LONGEST) - OVERLAP
    found = matching_events(wanted.search(now)).filter(stored_at__gt=since)
    return list(found.order_by("-stored_at", "-id")[:MOST])
