"""Finding incidents: what narrows the list, page by page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from alerts.models import Incident
from events.keyset import Page, Place, read_page
from events.patience import limited_patience

_ORDER = ("-opened_at", "-id")


@dataclass(frozen=True, slots=True)
class IncidentSearch:
    """Which incidents: those for which all that is given holds; empty means any. ``service`` is an id; ``since``: opened then or
    later."""

    states: Collection[str] = ()
    severities: Collection[int] = ()
    service: int | None = None
    since: datetime | None = None


def search_incidents(search: IncidentSearch, *, place: Place | None = None, size: int) -> Page[Incident]:
    """One page with services and people, opened last first. Raises SearchTooSlowError."""
    wanted = Q()
    if search.states:
        wanted &= Q(state__in=search.states)
    if search.severities:
        wanted &= Q(severity__in=search.severities)
    if search.service is not None:
        wanted &= Q(service=search.service)
    if search.since is not None:
        wanted &= Q(opened_at__gte=search.since)
    with limited_patience():
        incidents = Incident.objects.filter(wanted).select_related(
            "service", "commander", "communications_lead", "rule"
        )
        return read_page(incidents, order=_ORDER, place=place, size=size)
