"""Submissions as spool records and back. Pure. What is in a record is scrubbed already: the spool is storage too."""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from events.ingest.types import (
    Fingerprint,
    IncomingEvent,
    Kind,
    PreparedEvent,
    RefusalCount,
    Severity,
    Submission,
)


def encode(submission: Submission) -> bytes:
    # orjson writes dataclasses, datetimes, UUIDs and StrEnums by itself.
    return orjson.dumps(submission)


def decode(record: bytes) -> Submission:
    """Raises ValueError, TypeError or KeyError when the record is not one of ours."""
    content: dict[str, Any] = orjson.loads(record)
    key_use = content["key_use"]
    return Submission(
        events=[_event(entry) for entry in content["events"]],
        refusals=[RefusalCount(**{**entry, "at": _time(entry["at"])}) for entry in content["refusals"]],
        key_use=(key_use[0], _time(key_use[1])) if key_use else None,
    )


def _event(entry: dict[str, Any]) -> PreparedEvent:
    event = entry["event"]
    event["occurred_at"] = _time(event["occurred_at"])
    event["received_at"] = _time(event["received_at"])
    event["event_id"] = UUID(event["event_id"]) if event["event_id"] else None
    event["kind"] = Kind(event["kind"]) if event["kind"] else None
    event["severity"] = Severity(event["severity"]) if event["severity"] else None
    fingerprint = entry["fingerprint"]
    return PreparedEvent(
        id=UUID(entry["id"]),
        service_id=entry["service_id"],
        event=IncomingEvent(**event),
        severity=Severity(entry["severity"]),
        kind=Kind(entry["kind"]),
        tier=entry["tier"],
        fingerprint=Fingerprint(**fingerprint) if fingerprint else None,
        # Records that were written before there were labels have none.
        labels=entry.get("labels", {}),
    )


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
