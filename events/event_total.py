"""How many events a search finds: exact up to a limit, as nothing counts the whole table."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from events.event_search import EventFilter, EventPage, matching_events
from events.patience import SearchTooSlowError, limited_patience

MOST = 10_000
# The rows are there already: their number is not worth a long wait.
_PATIENCE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Total:
    """``number`` events, or more than that many when ``is_more``."""

    number: int
    is_more: bool = False


def total_of(wanted: EventFilter, page: EventPage, *, now: datetime) -> Total:
    """Of all pages of what is wanted; ``page`` is the one that is shown. Reads no more than 10,000 index entries."""
    if wanted.place is None and page.older is None:
        return Total(len(page.events))
    try:
        with limited_patience(_PATIENCE):
            found = matching_events(wanted.search(now)).order_by().values("id")[: MOST + 1].count()
    except SearchTooSlowError:
        return Total(len(page.events), is_more=True)  # there is another page
    return Total(min(found, MOST), is_more=found > MOST)
