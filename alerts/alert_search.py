"""Finding alerts: what narrows the list, page by page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from alerts.models import Alert
from events.keyset import Page, Place, read_page
from events.patience import limited_patience

_ORDER = ("-started_at", "-id")


@dataclass(frozen=True, slots=True)
class AlertSearch:
    """Which alerts: those for which all that is given holds; empty means any. ``service`` and ``rule`` are ids; ``since``: started
    then or later."""

    states: Collection[str] = ()
    severities: Collection[str] = ()
    service: int | None = None
    rule: int | None = None
    is_acknowledged: bool | None = None
    since: datetime | None = None


def search_alerts(search: AlertSearch, *, place: Place | None = None, size: int) -> Page[Alert]:
    """One page with rules and people, started last first. Raises SearchTooSlowError."""
    with limited_patience():
        alerts = Alert.objects.filter(_wanted(search)).select_related("rule", "acknowledged_by")
        return read_page(alerts, order=_ORDER, place=place, size=size)


def _wanted(search: AlertSearch) -> Q:
    wanted = Q()
    if search.states:
        wanted &= Q(state__in=search.states)
    if search.severities:
        wanted &= Q(severity__in=search.severities)
    if search.service is not None:
        wanted &= _of_service(search.service)
    if search.rule is not None:
        wanted &= Q(rule=search.rule)
    if search.is_acknowledged is not None:
        wanted &= Q(acknowledged_at__isnull=not search.is_acknowledged)
    if search.since is not None:
        wanted &= Q(started_at__gte=search.since)
    return wanted


def _of_service(service: int) -> Q:
    """By the group, else by the rule, else by the event that brought it: as routes and silences see it (alerts.outbox.telling)."""
    by_rule = Q(rule__service=service) | Q(rule__service=None) & Q(evidence__service__in=(service, str(service)))
    nameless = ~Q(labels__has_key="service") | Q(labels__service="")
    return Q(labels__service=str(service)) | nameless & by_rule
