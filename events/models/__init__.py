"""The tables of what happened; one noun a module."""

from events.models.event import Event, EventReceipt
from events.models.event_type import EventType, Tier
from events.models.issue import FingerprintUser, Issue, IssueFingerprint, IssueStatus, IssueTransition, TransitionKind
from events.models.rejection import IngestRejection
from events.models.rollup import EventRollup, IssueRollup
from events.models.service import IngestKey, KeyKind, Service

__all__ = [
    "Event",
    "EventReceipt",
    "EventRollup",
    "EventType",
    "FingerprintUser",
    "IngestKey",
    "IngestRejection",
    "Issue",
    "IssueFingerprint",
    "IssueRollup",
    "IssueStatus",
    "IssueTransition",
    "KeyKind",
    "Service",
    "Tier",
    "TransitionKind",
]
