"""Finding issues: what narrows the list, the orders that it can be read in, page by page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from events.keyset import Page, Place, read_page
from events.models import Issue
from events.patience import limited_patience
from events.querysets import IssueQuerySet

# What people call an order, and the column behind it.
ORDERS = {
    "last_seen": "last_seen_at",
    "first_seen": "first_seen_at",
    "events": "event_count",
    "users": "user_count",
}


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` up to, but not including, ``until``; None where it has no end."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class IssueSearch:
    """Which issues: those for which all that is given holds; empty means any. Merged ones are never among them.

    ``words`` stand anywhere in title, culprit or event name, in any case.
    """

    statuses: Collection[str] = ()
    severities: Collection[str] = ()
    tiers: Collection[str] = ()
    service: int | None = None
    name: str = ""
    is_regressed: bool | None = None
    has_assignee: bool | None = None
    assignee: int | None = None
    first_seen: Span = Span()
    last_seen: Span = Span()
    words: str = ""


def search_issues(
    search: IssueSearch, *, order: str = "-last_seen", place: Place | None = None, size: int
) -> Page[Issue]:
    """One page with services and assignees. ``order`` is one of ORDERS, with a minus for greatest or latest first.

    Raises SearchTooSlowError.
    """
    minus = "-" if order.startswith("-") else ""
    columns = (f"{minus}{ORDERS[order.removeprefix('-')]}", f"{minus}id")
    with limited_patience():
        return read_page(_matching(search).select_related("service", "assignee"), order=columns, place=place, size=size)


def _matching(search: IssueSearch) -> IssueQuerySet:
    given = {
        "status__in": search.statuses,
        "severity__in": search.severities,
        "tier__in": search.tiers,
        "name": search.name,
    }
    exact = {
        "service_id": search.service,
        "is_regressed": search.is_regressed,
        "assignee_id": search.assignee,
        "first_seen_at__gte": search.first_seen.since,
        "first_seen_at__lt": search.first_seen.until,
        "last_seen_at__gte": search.last_seen.since,
        "last_seen_at__lt": search.last_seen.until,
        "assignee__isnull": None if search.has_assignee is None else not search.has_assignee,
    }
    matching = Issue.objects.visible().filter(
        **{lookup: value for lookup, value in given.items() if value},
        **{lookup: value for lookup, value in exact.items() if value is not None},
    )
    if search.words:
        wanted = search.words
        matching = matching.filter(
            Q(title__icontains=wanted) | Q(culprit__icontains=wanted) | Q(name__icontains=wanted)
        )
    return matching
