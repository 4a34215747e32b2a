"""Finding events: filters from an address, keyset paging by id, never a COUNT over the table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from events.choices import SeverityChoices
from events.models import Event, IssueFingerprint
from events.querysets import EventQuerySet

PAGE_SIZE = 50
# A filter that matches almost nothing reads much of its window; then it is better to say so than to keep somebody waiting.
_PATIENCE_MS = 5_000
WINDOWS: dict[str, tuple[str, timedelta]] = {
    "1h": ("1 hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "all": ("All", timedelta(days=400)),
}
_DEFAULT_WINDOW = "24h"
_AHEAD = timedelta(minutes=2)  # events may lie a minute ahead of our clock


class SearchTooSlowError(Exception):
    """The search was given up; a narrower window or filter will answer."""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a reader asked for. Unknown or malformed values are ignored, as if they had not been given."""

    window: str = _DEFAULT_WINDOW
    severity: str = ""
    service: int | None = None
    name: str = ""
    endpoint: str = ""
    environment: str = ""
    user: str = ""
    issue: int | None = None
    older_than: UUID | None = None
    newer_than: UUID | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "EventFilter":
        window, severity = query.get("window", ""), query.get("severity", "")
        return cls(
            window=window if window in WINDOWS else _DEFAULT_WINDOW,
            severity=severity if severity in SeverityChoices.values or severity == "failures" else "",
            service=_number(query.get("service", "")),
            name=_text(query.get("name", "")),
            endpoint=_text(query.get("endpoint", "")),
            environment=_text(query.get("environment", "")),
            user=_text(query.get("user", "")),
            issue=_number(query.get("issue", "")),
            older_than=_uuid(query.get("before", "")),
            newer_than=_uuid(query.get("after", "")),
        )

    def query_string(self, **changes: object) -> str:
        """The address of this filter with changes, first page unless a change says otherwise."""
        changed = replace(self, **{"older_than": None, "newer_than": None, **changes})  # type: ignore[arg-type]
        values = {
            "window": changed.window if changed.window != _DEFAULT_WINDOW else "",
            "severity": changed.severity,
            "service": changed.service or "",
            "name": changed.name,
            "endpoint": changed.endpoint,
            "environment": changed.environment,
            "user": changed.user,
            "issue": changed.issue or "",
            "before": changed.older_than or "",
            "after": changed.newer_than or "",
        }
        return "?" + urlencode({key: value for key, value in values.items() if value != ""})

    @property
    def is_narrowed(self) -> bool:
        return self != EventFilter(window=self.window, older_than=self.older_than, newer_than=self.newer_than)


@dataclass(frozen=True, slots=True)
class EventPage:
    """Newest first. A cursor is None where there is nothing beyond."""

    events: list[Event]
    older: UUID | None
    newer: UUID | None


def find_events(wanted: EventFilter, *, now: datetime) -> EventPage:
    """One page of events. Raises SearchTooSlowError."""
    start = now - WINDOWS[wanted.window][1]
    matching = _matching(wanted, start, now + _AHEAD)
    going_up = wanted.newer_than is not None and wanted.older_than is None
    if wanted.older_than is not None:
        matching = matching.older_than(wanted.older_than)
    elif wanted.newer_than is not None:
        matching = matching.filter(id__gt=wanted.newer_than)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{_PATIENCE_MS}ms"])
            found = list(matching.order_by("id" if going_up else "-id")[: PAGE_SIZE + 1])
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooSlowError from None
        raise
    has_more = len(found) > PAGE_SIZE
    events = found[:PAGE_SIZE]
    if going_up:
        events.reverse()
    if not events:
        return EventPage([], older=None, newer=None)
    older = events[-1].id if has_more or going_up else None
    newer = events[0].id if (has_more and going_up) or wanted.older_than is not None else None
    return EventPage(events, older=older, newer=newer)


def _matching(wanted: EventFilter, start: datetime, end: datetime) -> EventQuerySet:
    # The bounds are said twice: occurred_at picks the partitions, the id lets the index stop where the window does.
    matching = Event.objects.within(start, end).since_id_of(start).without_payload().select_related("service")
    if wanted.severity == "failures":
        matching = matching.filter(severity__in=SeverityChoices.values[:3])
    elif wanted.severity:
        matching = matching.filter(severity=wanted.severity)
    for column, value in (("name", wanted.name), ("environment", wanted.environment), ("user_hash", wanted.user)):
        if value:
            matching = matching.filter(**{column: value})
    if wanted.endpoint.endswith("*"):
        matching = matching.filter(endpoint__startswith=wanted.endpoint[:-1])
    elif wanted.endpoint:
        matching = matching.filter(endpoint=wanted.endpoint)
    if wanted.service is not None:
        matching = matching.filter(service_id=wanted.service)
    if wanted.issue is not None:
        fingerprints = IssueFingerprint.objects.filter(issue_id=wanted.issue).values_list("pk", flat=True)
        matching = matching.filter(fingerprint_id__in=list(fingerprints))
    return matching


def neighbours(event: Event) -> tuple[UUID | None, UUID | None]:
    """The ids of the events of the same issue just before and just after this one."""
    if event.fingerprint is None:
        return None, None
    siblings = Event.objects.of_issue(event.fingerprint.issue)
    before = (
        siblings.filter(id__lt=event.id, occurred_at__lt=_same_millisecond(event) + timedelta(milliseconds=1))
        .order_by("-id")
        .values_list("id", flat=True)
    )
    after = (
        siblings.filter(id__gt=event.id, occurred_at__gte=_same_millisecond(event))
        .order_by("id")
        .values_list("id", flat=True)
    )
    return before.first(), after.first()


def _same_millisecond(event: Event) -> datetime:
    """Ids know milliseconds; an event of the same one may have occurred a little earlier than this."""
    return event.occurred_at.replace(microsecond=event.occurred_at.microsecond // 1000 * 1000).astimezone(UTC)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None


def _text(text: str) -> str:
    return text.strip().replace("\x00", "")[:500]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
