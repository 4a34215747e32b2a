"""Incidents that hurt somebody in the window, to be marked on charts."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from alerts.models import Incident
from dashboards.reports.question import Question

_MOST = 30


@dataclass(frozen=True, slots=True)
class IncidentSpan:
    """From when until when users were hurt; ``ended_at`` is None while they are."""

    id: int
    title: str
    severity: int
    started_at: datetime
    ended_at: datetime | None


def incidents_within(question: Question) -> list[IncidentSpan]:
    """Oldest first; the 30 that began last. Of a service those of several services that have an alert of it, too; releases are not
    looked at. A query. Index: incident_by_impact."""
    found = _asked_for(question).order_by("-started_at", "-pk")
    rows = found.values_list("pk", "title", "severity", "started_at", "ended_at")[:_MOST]
    return [IncidentSpan(*row) for row in rows][::-1]


def _asked_for(question: Question) -> QuerySet[Incident]:
    window, filters = question.window, question.filters
    found = Incident.objects.within(window.start, window.end)
    if filters.environments:
        found = found.filter(environment__in=("", *filters.environments))
    if filters.services:
        of_one = Q()
        for number in filters.services:
            of_one |= Q(alerts__labels__service=str(number)) | Q(alerts__rule__service=number)
            of_one |= Q(alerts__evidence__members__contains=[{"service": number}])
            of_one |= Q(alerts__evidence__members__contains=[{"service": str(number)}])
        several = Incident.objects.filter(of_one, service=None).values("pk")
        found = found.filter(Q(service__in=filters.services) | Q(pk__in=several))
    return found
