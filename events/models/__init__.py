"""The tables of what happened; one noun a module."""

from events.models.api_token import ApiToken, TokenScope
from events.models.event import Event, EventReceipt
from events.models.event_type import EventType, Tier
from events.models.guard import Dimension, Guard, GuardHit, KnownValue, NewIssueCount
from events.models.issue import FingerprintUser, Issue, IssueFingerprint, IssueStatus, IssueTransition, TransitionKind
from events.models.notice import EventNotice
from events.models.rejection import IngestRejection
from events.models.rollup import DayRollup, EventRollup, HourRollup, IssueRollup, LatencyRollup, Release
from events.models.service import IngestKey, KeyKind, Service

__all__ = [
    "ApiToken",
    "DayRollup",
    "Dimension",
    "Event",
    "EventNotice",
    "EventReceipt",
    "EventRollup",
    "EventType",
    "FingerprintUser",
    "Guard",
    "GuardHit",
    "HourRollup",
    "IngestKey",
    "IngestRejection",
    "Issue",
    "IssueFingerprint",
    "IssueRollup",
    "IssueStatus",
    "IssueTransition",
    "KeyKind",
    "KnownValue",
    "LatencyRollup",
    "NewIssueCount",
    "Release",
    "Service",
    "Tier",
    "TokenScope",
    "TransitionKind",
]
