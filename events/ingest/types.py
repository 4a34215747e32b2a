"""The values that travel from a protocol to the writer. Plain data, no Django: every stage is a function over these.

``protocol.parse → IncomingEvent → scrub → fingerprint → PreparedEvent → writer`` (see docs/decisions/0002-path-of-an-event.md).
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict
from uuid import UUID


class Kind(StrEnum):
    """What sort of occurrence an event is."""

    ERROR = "error"
    LOG = "log"
    METRIC = "metric"
    TRACK = "track"
    TRANSACTION = "transaction"
    CHECK_IN = "check-in"
    FEEDBACK = "feedback"


class Severity(StrEnum):
    """How bad an event is; the order of the members is worst first."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    DEBUG = "debug"

    @property
    def rank(self) -> int:
        """0 for debug up to 4 for critical, to compare and to store in sort order."""
        return _RANKS[self]

    @property
    def is_failure(self) -> bool:
        """Failures are grouped into issues; info and debug are only counted."""
        return self.rank >= _RANKS[Severity.WARNING]


_RANKS: dict[Severity, int] = {severity: rank for rank, severity in enumerate(reversed(Severity))}


class Frame(TypedDict, total=False):
    """One stack frame. Every key is optional."""

    function: str
    module: str
    filename: str
    lineno: int
    colno: int
    in_app: bool
    context_line: str
    pre_context: list[str]
    post_context: list[str]
    vars: dict[str, Any]


class ExceptionValue(TypedDict, total=False):
    """One exception of a chain: the oldest cause first, the raised one last; frames caller first, crash last."""

    type: str
    value: str
    module: str
    frames: list[Frame]
    # False when the client made the exception up to carry a stack (then its type says nothing about the cause).
    synthetic: bool
    handled: bool


class Mark(TypedDict):
    """One field that was changed on its way in: what the reader is told about it."""

    # Dotted path from the event: "data.user.email", "exception.0.value", "breadcrumbs.3.message".
    path: str
    # Why: a rule id of scrub.py ("email", "card_number", …) or a repair id of repair.py ("nul", "timestamp_future", …).
    rule: str


class FingerprintPart(TypedDict):
    """One ingredient of a fingerprint and whether it counted: the admin's "grouped because…"."""

    part: str
    raw: str
    normalised: str
    contributes: bool
    why: str


@dataclass(slots=True)
class IncomingEvent:
    """One occurrence as a protocol understood it: known fields typed and repaired, nothing scrubbed yet.

    ``user_identity`` names a person and must never leave this stage: the scrubber turns it into ``user_hash``.
    """

    name: str
    occurred_at: datetime
    received_at: datetime
    kind: Kind | None = None
    # None: the client did not say; the catalogue's default for the name decides.
    severity: Severity | None = None
    message: str = ""
    # True when the client (and not a random id of ours) chose it: only these are looked up for repeats.
    event_id: UUID | None = None
    environment: str = ""
    release: str = ""
    endpoint: str = ""
    duration_ms: float | None = None
    user_identity: str = ""
    user_hash: str = ""
    session_id: str = ""
    # A template with placeholders when the client sent one ("user %s failed"); groups better than the message.
    message_template: str = ""
    exception: list[ExceptionValue] = field(default_factory=list)
    breadcrumbs: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    fingerprint: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    scrubbed: list[Mark] = field(default_factory=list)
    repaired: list[Mark] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The identity of a failure's cause."""

    # 32 lower-case hex characters.
    hash: str
    version: int
    parts: list[FingerprintPart]
    title: str
    culprit: str


@dataclass(slots=True)
class PreparedEvent:
    """An event ready to be written: scrubbed, and fingerprinted when it is a failure."""

    # Ours, a UUIDv7 of occurred_at: given once, so that writing it again after a doubtful commit can be noticed.
    id: UUID
    service_id: int
    event: IncomingEvent
    severity: Severity
    kind: Kind
    tier: str
    fingerprint: Fingerprint | None
    # What its kind is counted by besides the usual (events.ingest.labels): {"feature": "career"}.
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def public_id(self) -> UUID:
        """What the client calls it: its own id when it gave one."""
        return self.event.event_id or self.id


@dataclass(frozen=True, slots=True)
class Refusal:
    """One event of a request that could not be read at all."""

    index: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class RefusalCount:
    """How often one reason for refusing came up in one request, to be counted for staff."""

    # None: no valid key was given.
    service_id: int | None
    code: str
    detail: str
    # The beginning of what was refused, scrubbed.
    sample: str
    times: int
    at: datetime


@dataclass(slots=True)
class Submission:
    """What one request gives the writer."""

    events: list[PreparedEvent] = field(default_factory=list)
    refusals: list[RefusalCount] = field(default_factory=list)
    # The key that was used and when, once a minute: its "last used" and its service's "last event".
    key_use: tuple[int, datetime] | None = None
