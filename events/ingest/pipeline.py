"""From documents to stored events: read, scrub, fingerprint, commit.

The stages are pure; this module joins them to the catalogue and to the group commit. ``read`` and ``answer`` are apart, because
a server with an event loop does something else between them; ``ingest`` is both with the waiting in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from events.event_ids import uuid7
from events.ingest.configured_scrubber import scrubber
from events.ingest.fingerprint import fingerprint
from events.ingest.group_commit import Outcome, Ticket
from events.ingest.known import DEFAULT_TIER, KnownType, known
from events.ingest.labels import fields_of, labels_of
from events.ingest.protocols.track import RefusedEventError, read_event
from events.ingest.storing import UNSTORABLE, committer
from events.ingest.types import IncomingEvent, Kind, PreparedEvent, Refusal, Severity, Submission


class NotKeptError(Exception):
    """Neither PostgreSQL nor the spool could take the events: nothing of the request is kept."""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of a request: the client's or our ids of what is stored, and what could not be read."""

    event_ids: list[UUID]
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        return len(self.event_ids)


@dataclass(slots=True)
class Reading:
    """A request as far as the pure stages bring it."""

    submission: Submission
    # Of each event of the submission: its place in the request.
    positions: list[int]
    refusals: list[Refusal]


def ingest(
    *, service_id: int, documents: Sequence[Any], refusals: Sequence[Refusal] = (), received_at: datetime
) -> IngestResult:
    """Store every document that is an event and say why the others are not. Returns when that is durable.

    ``documents`` holds None at the places that ``refusals`` already names. Raises NotKeptError.
    """
    reading = read(service_id=service_id, documents=documents, refusals=refusals, received_at=received_at)
    ticket = committer.submit(reading.submission)
    committer.wait(ticket)
    return answer(reading, ticket)


def read(
    *, service_id: int, documents: Sequence[Any], refusals: Sequence[Refusal] = (), received_at: datetime
) -> Reading:
    """The pure stages over every document. Nothing is stored yet."""
    refused = {refusal.index: refusal for refusal in refusals}
    types = known.types()
    prepared: list[PreparedEvent] = []
    positions: list[int] = []
    for index, document in enumerate(documents):
        if index in refused:
            continue
        try:
            event = read_event(document, received_at=received_at)
            prepared.append(prepare(event, service_id=service_id, entry=types.get(event.name)))
        except RefusedEventError as error:
            refused[index] = Refusal(index, error.code, error.detail)
            continue
        positions.append(index)
    return Reading(Submission(events=prepared), positions, [refused[index] for index in sorted(refused)])


def answer(reading: Reading, ticket: Ticket) -> IngestResult:
    """What to tell the client, once the outcome of the ticket is settled. Raises NotKeptError."""
    if ticket.outcome is Outcome.NOT_KEPT:
        raise NotKeptError
    events = reading.submission.events
    if not ticket.unstorable:
        return IngestResult([prepared.public_id for prepared in events], reading.refusals)
    unstorable = set(ticket.unstorable)
    detail = "The database does not take this event. Please report it to Liftmon's makers."
    refusals = [*reading.refusals, *(Refusal(reading.positions[place], UNSTORABLE, detail) for place in unstorable)]
    ids = [prepared.public_id for place, prepared in enumerate(events) if place not in unstorable]
    return IngestResult(ids, sorted(refusals, key=lambda refusal: refusal.index))


def prepare(event: IncomingEvent, *, service_id: int, entry: KnownType | None) -> PreparedEvent:
    """Scrub the event, settle what it left open by its entry of the catalogue, and fingerprint it when it is a failure."""
    event = scrubber().scrub(event)
    severity = event.severity
    if severity is None:
        if entry is not None and entry.default_severity:
            severity = Severity(entry.default_severity)
        else:
            severity = Severity.ERROR if _tells_of_an_error(event) else Severity.INFO
    kind = event.kind or (Kind(entry.kind) if entry else _kind_of_unknown(event, severity))
    return PreparedEvent(
        id=uuid7(event.occurred_at),
        service_id=service_id,
        event=event,
        severity=severity,
        kind=kind,
        tier=entry.tier if entry else DEFAULT_TIER,
        # A metric or a tracked step is counted; it becomes an issue only when it was sent as a failure.
        fingerprint=fingerprint(event) if severity.is_failure else None,
        labels=labels_of(event.data, event.tags, fields_of(event.name, entry.labels if entry else ())),
    )


def _tells_of_an_error(event: IncomingEvent) -> bool:
    return bool(event.exception) or "error" in event.data


def _kind_of_unknown(event: IncomingEvent, severity: Severity) -> Kind:
    if event.exception or severity.rank >= Severity.ERROR.rank:
        return Kind.ERROR
    return Kind.LOG if event.message or severity.is_failure else Kind.TRACK
