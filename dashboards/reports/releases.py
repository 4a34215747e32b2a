"""Releases that came out: when they arrived where the traffic is, to be marked on charts.

Staging has a release a day before production has it. Whoever looks at all environments asks what broke for users, so a release came
out when it arrived in the environment that carries its service's traffic.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q, QuerySet

from dashboards.asking import narrowed
from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from events.models import Release

_MOST = 30
# What people call the environment that users meet; the first that a service has.
_PRODUCTION = ("production", "prod", "live")


@dataclass(frozen=True, slots=True)
class NewRelease:
    """``first_seen_at`` is of the first event that named it in ``environment``: the one asked for, or the one of the traffic."""

    service_id: int
    release: str
    first_seen_at: datetime
    environment: str


@dataclass(frozen=True, slots=True)
class _Count:
    service_id: int
    environment: str
    event_count: int


def new_releases(question: Question) -> list[NewRelease]:
    """Oldest first; the newest 30. Releases that had been heard of there before are no news."""
    arrived = arrivals(question).filter(first_seen_at__gte=question.window.start)
    if question.filters.release:
        arrived = arrived.filter(release=question.filters.release)
    newest = [
        NewRelease(one.service_id, one.release, one.first_seen_at, one.environment)
        for one in arrived.order_by("-first_seen_at", "-service_id", "-release")[:_MOST]
    ]
    return newest[::-1]


def arrivals(question: Question) -> QuerySet[Release]:
    """When each release of the services asked for arrived in the environment that it is judged by; up to the end of the window.

    One row a service and release. Costs a query, and another where a service names several environments and none of them
    production.
    """
    known = Release.objects.filter(first_seen_at__lt=question.window.end)
    if question.filters.services:
        known = known.filter(service_id__in=question.filters.services)
    if len(question.filters.environments) == 1:
        return known.filter(environment=question.filters.environments[0])
    if question.filters.environments:
        known = known.filter(environment__in=question.filters.environments)
    services: dict[str, list[int]] = defaultdict(list)
    for service_id, environment in _environments(question, known).items():
        services[environment].append(service_id)
    there = Q()
    for environment, service_ids in services.items():
        there |= Q(environment=environment, service_id__in=service_ids)
    return known.filter(there) if services else known.none()


def _environments(question: Question, known: QuerySet[Release]) -> dict[int, str]:
    """The environment of each service that carries its traffic: production, or the one with the most events in the window.

    Of those that have as many, the one that was heard of last.
    """
    heard: dict[int, dict[str, datetime]] = defaultdict(dict)
    for service_id, environment, last in known.values_list("service_id", "environment").annotate(
        last=Max("last_seen_at")
    ):
        heard[service_id][environment] = last
    chosen = {}
    for service_id, environments in heard.items():
        production = next((name for name in _PRODUCTION if name in environments), None)
        if production is not None or len(environments) == 1:
            chosen[service_id] = production or next(iter(environments))
    unclear = sorted(set(heard) - set(chosen))
    if unclear:
        asked = narrowed(question, release="")
        counts = {
            (row.service_id, row.environment): row.event_count
            for row in ask("environment_counts", asked, _Count, services=unclear)
        }
        for service_id in unclear:
            chosen[service_id] = max(
                heard[service_id],
                key=lambda name, of=service_id: (counts.get((of, name), 0), heard[of][name], name),  # type: ignore[misc]
            )
    return chosen
