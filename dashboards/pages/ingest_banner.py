"""What a page says at its top when events wait on disk or a service reached a limit; nothing on most days."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.http import urlencode

from dashboards.reports.ingest import IngestHealth, LimitsReached

_MOST_SERVICES = 3
_FOLDED = "What goes beyond is folded together, so numbers by name, endpoint or tag are coarser; no event is lost."


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence, what it means, and where to read more ("" for nowhere)."""

    headline: str
    meaning: str
    link: str


def notices(health: IngestHealth, *, now: datetime) -> list[Notice]:
    """The worst first."""
    found = []
    if health.waiting.bytes:
        found.append(
            Notice(
                f"{health.waiting.in_words(now=now.timestamp())} on disk.",
                "PostgreSQL does not take what services send, or only just does again. Nothing is lost, but the newest events "
                "are not shown yet: they are stored as soon as it takes them.",
                "",
            )
        )
    for place, reached in enumerate(health.reached[:_MOST_SERVICES]):
        meaning = "" if place else _FOLDED
        found.append(Notice(_limits_in_words(reached), meaning, _link(service__id__exact=reached.service.pk)))
    others = len(health.reached) - _MOST_SERVICES
    if others > 0:
        services = "1 other service" if others == 1 else f"{others:,} other services"
        found.append(Notice(f"{services} reached a limit today.", "", _link()))
    return found


def _limits_in_words(reached: LimitsReached) -> str:
    guards = ", ".join(
        f"{guard.label.lower()} ({count:,} event{'' if count == 1 else 's'})" for guard, count in reached.events
    )
    limits = "a limit" if len(reached.events) == 1 else f"{len(reached.events)} limits"
    return f"{reached.service.name} reached {limits} today: {guards}."


def _link(**query: int) -> str:
    return reverse("admin:events_guardhit_changelist") + (f"?{urlencode(query)}" if query else "")
