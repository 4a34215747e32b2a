"""Releases that came out in a window, to be marked on its charts."""

from dataclasses import dataclass
from datetime import datetime

from dashboards.reports.question import Question
from events.models import Release

_MOST = 30


@dataclass(frozen=True, slots=True)
class NewRelease:
    """``first_seen_at`` is of the first event that named it, in any of the environments asked for."""

    service_id: int
    release: str
    first_seen_at: datetime


def new_releases(question: Question) -> list[NewRelease]:
    """Oldest first; the newest 30. Releases that had been heard of before are no news."""
    filters, span = question.filters, question.window.span
    found = Release.objects.filter(first_seen_at__gte=span.start, first_seen_at__lt=span.end)
    if filters.service_id is not None:
        found = found.filter(service_id=filters.service_id)
    if filters.environment:
        found = found.filter(environment=filters.environment)
    if filters.release:
        found = found.filter(release=filters.release)
    first: dict[tuple[int, str], NewRelease] = {}
    for one in found.order_by("-first_seen_at", "service_id", "release", "environment")[: _MOST * 2]:
        # Newest first, so the earliest environment stays.
        first[one.service_id, one.release] = NewRelease(one.service_id, one.release, one.first_seen_at)
    return sorted(first.values(), key=lambda release: release.first_seen_at)[-_MOST:]
