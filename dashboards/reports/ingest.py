"""Whether what services send arrives whole: what waits on disk, and which services reached a limit today."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from events.ingest.spool import Depth
from events.ingest.storing import spool
from events.models import Guard, GuardHit, Service


@dataclass(frozen=True, slots=True)
class LimitsReached:
    """What the guards folded of one service since midnight UTC: events by guard, most first."""

    service: Service
    events: list[tuple[Guard, int]]


@dataclass(frozen=True, slots=True)
class IngestHealth:
    # Empty as well when the spool cannot be read, which /readyz tells.
    waiting: Depth
    # By name of the service.
    reached: list[LimitsReached]


def ingest_health(*, now: datetime, service: Service | None = None, has_limits: bool = True) -> IngestHealth:
    """Of all services or one, in one query; without ``has_limits`` in none."""
    hits = GuardHit.objects.filter(day=now.astimezone(UTC).date()) if has_limits else GuardHit.objects.none()
    if service is not None:
        hits = hits.filter(service=service)
    return IngestHealth(_waiting(), _by_service(hits.select_related("service").order_by("-event_count", "guard")))


def _waiting() -> Depth:
    try:
        return spool().depth()
    except OSError:
        return Depth(0, None)


def _by_service(hits: Iterable[GuardHit]) -> list[LimitsReached]:
    reached: dict[int, LimitsReached] = {}
    for hit in hits:
        of_service = reached.setdefault(hit.service_id, LimitsReached(hit.service, []))
        of_service.events.append((Guard(hit.guard), hit.event_count))
    return sorted(reached.values(), key=lambda one: (one.service.name, one.service.pk))
