"""From documents to stored events: read, scrub, fingerprint, write. One call per request.

The stages are pure; this module joins them to the catalogue and the writer.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DataError

from events.ingest.fingerprint import fingerprint
from events.ingest.protocols.track import RefusedEventError, read_event
from events.ingest.scrub import Scrubber
from events.ingest.types import IncomingEvent, Kind, PreparedEvent, Refusal, Severity
from events.ingest.writer import write
from events.models import EventType, Tier

logger = structlog.get_logger(__name__)
_CATALOGUE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of a request: the client's or our ids of what is stored, and what could not be read."""

    event_ids: list[UUID]
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return len(self.event_ids)


def ingest(
    *, service_id: int, documents: Sequence[Any], refusals: Sequence[Refusal] = (), received_at: datetime
) -> IngestResult:
    """Store every document that is an event and say why the others are not. Returns after the commit.

    ``documents`` holds None at the places that ``refusals`` already names.
    """
    refused = {refusal.index: refusal for refusal in refusals}
    prepared: list[PreparedEvent] = []
    positions: list[int] = []
    for index, document in enumerate(documents):
        if index in refused:
            continue
        try:
            prepared.append(prepare(read_event(document, received_at=received_at)))
        except RefusedEventError as error:
            refused[index] = Refusal(index, error.code, error.detail)
            continue
        positions.append(index)
    event_ids, unstorable = _write_what_can_be(service_id, prepared, received_at)
    for place in unstorable:
        refused[positions[place]] = Refusal(
            positions[place],
            "unstorable",
            "The database does not take this event. Please report it to Liftmon's makers.",
        )
    return IngestResult(event_ids, [refused[index] for index in sorted(refused)])


def _write_what_can_be(
    service_id: int, prepared: Sequence[PreparedEvent], now: datetime
) -> tuple[list[UUID], list[int]]:
    """Write the batch; when the database refuses a value, event by event, so that one cannot take the others along.

    The stages before this mend all that is known to be refused; this is the net below them.
    """
    if not prepared:
        return [], []
    try:
        return write(service_id=service_id, events=prepared, now=now), []
    except DataError:
        logger.exception("batch_refused_by_database", service_id=service_id, size=len(prepared))
    event_ids: list[UUID] = []
    unstorable: list[int] = []
    for place, event in enumerate(prepared):
        try:
            event_ids += write(service_id=service_id, events=[event], now=now)
        except DataError:
            unstorable.append(place)
    return event_ids, unstorable


def prepare(event: IncomingEvent) -> PreparedEvent:
    """Scrub the event, settle what it left open by the catalogue, and fingerprint it when it is a failure."""
    entry = _catalogue(int(time.monotonic() / _CATALOGUE_SECONDS)).get(event.name)
    event = scrubber().scrub(event)
    default_severity = Severity(entry.default_severity) if entry and entry.default_severity else None
    severity = event.severity or default_severity or (Severity.ERROR if _tells_of_an_error(event) else Severity.INFO)
    kind = event.kind or (Kind(entry.kind) if entry else _kind_of_unknown(event, severity))
    # A metric or a tracked step is counted; it becomes an issue only when it was sent as a failure.
    return PreparedEvent(
        event=event,
        severity=severity,
        kind=kind,
        tier=entry.tier if entry else Tier.DAILY.value,
        fingerprint=fingerprint(event) if severity.is_failure else None,
    )


def _tells_of_an_error(event: IncomingEvent) -> bool:
    return bool(event.exception) or "error" in event.data


def _kind_of_unknown(event: IncomingEvent, severity: Severity) -> Kind:
    if event.exception or severity.rank >= Severity.ERROR.rank:
        return Kind.ERROR
    return Kind.LOG if event.message or severity.is_failure else Kind.TRACK


@lru_cache(maxsize=1)
def scrubber() -> Scrubber:
    """The one scrubber of this process, with the keys that hash users."""
    return Scrubber(user_hash_keys=tuple(settings.USER_HASH_KEYS))


@lru_cache(maxsize=1)
def _catalogue(_window: int) -> dict[str, EventType]:
    """The catalogue by name, read again every few seconds so that an edit in the admin takes effect everywhere."""
    return {entry.name: entry for entry in EventType.objects.all()}
