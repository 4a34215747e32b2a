"""Events as they arrive: for the live feed, which asks every second or two."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from events.event_search import EventFilter, matching_events
from events.models import Event

# A transaction commits a little after the time that its rows say: look so far back again, and leave out what is shown already.
OVERLAP = timedelta(seconds=15)
MOST = 50
# What arrived longer ago is for the list of events: a reader who was away so long begins anew.
LONGEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The last arrivals first. ``is_cut``: there are more of that time, older than these, which the reader may know already.

    ``was_away``: the reader asked for a longer time than is looked at.
    """

    events: list[Event]
    is_cut: bool
    was_away: bool


def arrivals(wanted: EventFilter, *, since: datetime, now: datetime) -> Arrivals:
    """What arrived since then and a little before, at most 50; whenever in the window it occurred."""
    was_away = since < now - LONGEST
    found = matching_events(wanted.search(now)).filter(stored_at__gt=max(since, now - LONGEST) - OVERLAP)
    events = list(found.order_by("-stored_at", "-id")[: MOST + 1])
    return Arrivals(events[:MOST], is_cut=len(events) > MOST, was_away=was_away)
