"""How fast incidents are noticed, taken in hand and over: by severity, by service, and one by one.

It is about the incidents that were opened in the window. MTTA is the mean time from opening to acknowledging, MTTR to resolving;
of those that got so far alone, and how many did not is said beside them. Medians are told as well: one night that nobody woke up
moves a mean a long way.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.db.models import QuerySet

from alerts.models import Incident, IncidentEntry, IncidentState
from dashboards.reports.question import Question

_STATES = (IncidentState.TRIGGERED, IncidentState.ACKNOWLEDGED, IncidentState.MITIGATED, IncidentState.RESOLVED)


@dataclass(frozen=True, slots=True)
class StateTime:
    """How long incidents were in that state, in seconds: the mean of the ``incidents`` that left it."""

    state: str
    incidents: int
    mean_seconds: float | None


@dataclass(frozen=True, slots=True)
class Times:
    """Means and medians in seconds, of those that were acknowledged (resolved); None where none was."""

    incidents: int
    acknowledged: int
    resolved: int
    mtta_seconds: float | None
    median_tta_seconds: float | None
    mttr_seconds: float | None
    median_ttr_seconds: float | None
    states: list[StateTime]


@dataclass(frozen=True, slots=True)
class SeverityTimes:
    """``severity`` from 1 (SEV1) to 4."""

    severity: int
    times: Times


@dataclass(frozen=True, slots=True)
class ServiceTimes:
    """``service_id`` is None for incidents of several services."""

    service_id: int | None
    times: Times


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """``tta_seconds`` and ``ttr_seconds`` are None while it is not acknowledged (resolved)."""

    id: int
    title: str
    service_id: int | None
    severity: int
    state: str
    opened_at: datetime
    tta_seconds: float | None
    ttr_seconds: float | None


@dataclass(frozen=True, slots=True)
class IncidentTimes:
    """The gravest severity first, services with the most incidents first, incidents opened last first."""

    total: Times
    before: Times
    by_severity: list[SeverityTimes]
    by_service: list[ServiceTimes]
    incidents: list[IncidentLine]


@dataclass(frozen=True, slots=True)
class _Row:
    incident: Incident
    tta: float | None
    ttr: float | None
    # Seconds in each state that it left.
    stays: dict[str, float]


def incident_times(question: Question) -> IncidentTimes:
    """Of the services and environments asked for; an incident of several services is of each. Releases are not looked at."""
    rows = _rows(_opened(question, question.window.start, question.window.end))
    before = question.window.before
    earlier = _rows(_opened(question, before.start, before.end), is_staying_asked=False)
    return IncidentTimes(
        total=_times(rows),
        before=_times(earlier),
        by_severity=[
            SeverityTimes(int(key), _times(of)) for key, of in sorted(_grouped(rows, lambda one: one.severity).items())
        ],
        by_service=[
            ServiceTimes(key, _times(of))
            for key, of in sorted(
                _grouped(rows, lambda one: one.service_id).items(), key=lambda found: (-len(found[1]), found[0] or 0)
            )
        ],
        incidents=[
            IncidentLine(
                one.incident.pk, one.incident.title, one.incident.service_id, one.incident.severity, one.incident.state,
                one.incident.opened_at, one.tta, one.ttr,
            )
            for one in rows
        ],
    )  # fmt: skip


def _opened(question: Question, start: datetime, end: datetime) -> QuerySet[Incident]:
    """Index: incident_newest."""
    found = Incident.objects.filter(opened_at__gte=start, opened_at__lt=end)
    filters = question.filters
    if filters.services:
        found = found.filter(service__in=filters.services) | found.filter(service=None)
    if filters.environments:
        found = found.filter(environment__in=("", *filters.environments))
    return found.order_by("-opened_at", "-pk")


def _rows(incidents: Iterable[Incident], *, is_staying_asked: bool = True) -> list[_Row]:
    found = list(incidents)
    stays = _stays([one.pk for one in found]) if is_staying_asked else {}
    return [
        _Row(one, _between(one.opened_at, one.acknowledged_at), _between(one.opened_at, one.resolved_at), stays.get(one.pk, {}))
        for one in found
    ]  # fmt: skip


def _between(start: datetime, end: datetime | None) -> float | None:
    return None if end is None else max((end - start).total_seconds(), 0.0)


def _stays(ids: Sequence[int]) -> dict[int, dict[str, float]]:
    """Seconds in each state, from the timelines: a state that was reached twice counts twice. Index: incident_entry_by_time."""
    reached: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    entries = IncidentEntry.objects.filter(incident__in=ids).exclude(state="").order_by("incident", "at", "pk")
    for incident_id, at, state in entries.values_list("incident_id", "at", "state"):
        reached[incident_id].append((at, state))
    found: dict[int, dict[str, float]] = {}
    for incident_id, steps in reached.items():
        of: dict[str, float] = defaultdict(float)
        for (start, state), (end, _) in pairwise(steps):
            of[state] += (end - start).total_seconds()
        found[incident_id] = dict(of)
    return found


def _grouped[Key](rows: Iterable[_Row], key: Callable[[Incident], Key]) -> dict[Key, list[_Row]]:
    found: dict[Key, list[_Row]] = defaultdict(list)
    for one in rows:
        found[key(one.incident)].append(one)
    return dict(found)


def _times(rows: Sequence[_Row]) -> Times:
    ttas = [one.tta for one in rows if one.tta is not None]
    ttrs = [one.ttr for one in rows if one.ttr is not None]
    stays = [(state, [one.stays[state] for one in rows if state in one.stays]) for state in _STATES]
    return Times(
        incidents=len(rows),
        acknowledged=len(ttas),
        resolved=len(ttrs),
        mtta_seconds=statistics.fmean(ttas) if ttas else None,
        median_tta_seconds=statistics.median(ttas) if ttas else None,
        mttr_seconds=statistics.fmean(ttrs) if ttrs else None,
        median_ttr_seconds=statistics.median(ttrs) if ttrs else None,
        states=[
            StateTime(state.value, len(seconds), statistics.fmean(seconds) if seconds else None) for state, seconds in stays
        ],
    )  # fmt: skip
