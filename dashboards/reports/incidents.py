"""Incidents that hurt somebody in the window, to be marked on charts and told of when they are over; and those open now."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from alerts.models import ONGOING, Incident, ReportState
from dashboards.reports.question import Question

_MOST = 30
_MOST_OPEN = 10


@dataclass(frozen=True, slots=True)
class IncidentSpan:
    """From when until when users were hurt; ``ended_at`` is None while they are.

    ``severity`` from 1 (SEV1) to 4; ``state`` is one of alerts.models.IncidentState. ``users`` is how many its report says were
    hurt, None where it does not say so or none was drafted.
    """

    id: int
    title: str
    severity: int
    started_at: datetime
    ended_at: datetime | None
    state: str
    users: int | None
    is_reported: bool

    @property
    def seconds(self) -> float:
        """For how long users were hurt; 0 while they are."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else 0.0

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None and self.state not in ONGOING


def incidents_within(question: Question) -> list[IncidentSpan]:
    """Oldest first; the 30 that began last. Of a service those of several services that have an alert of it, too; releases are not
    looked at. A query. Index: incident_by_impact."""
    found = _asked_for(question).order_by("-started_at", "-pk")
    rows = found.values_list(
        "pk", "title", "severity", "started_at", "ended_at", "state", "report__metrics", "report__state"
    )[:_MOST]
    return [
        IncidentSpan(
            number, title, severity, start, end, state, (metrics or {}).get("users"), report == ReportState.PUBLISHED
        )
        for number, title, severity, start, end, state, metrics, report in rows
    ][::-1]


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """``severity`` from 1 (SEV1) to 4; ``state`` is one of alerts.models.IncidentState."""

    id: int
    title: str
    severity: int
    state: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class OpenIncidents:
    """How many are open now; the ten gravest are listed, of equals those that began first."""

    count: int
    listed: list[OpenIncident]


def open_incidents(question: Question) -> OpenIncidents:
    """As of now, whatever the window; one of several services is of each. Two queries. Index: incident_ongoing."""
    found, filters = Incident.objects.ongoing(), question.filters
    if filters.services:
        found = found.filter(Q(service__in=filters.services) | Q(service=None))
    if filters.environments:
        found = found.filter(environment__in=("", *filters.environments))
    rows = found.order_by("severity", "opened_at", "pk").values_list("pk", "title", "severity", "state", "opened_at")
    return OpenIncidents(found.count(), [OpenIncident(*row) for row in rows[:_MOST_OPEN]])


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
