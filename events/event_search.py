"""Finding events: filters from an address, keyset paging by id, never a COUNT over the table."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from events import label_words
from events.choices import SeverityChoices
from events.keyset import Page, Place, read_page
from events.models import Event, IssueFingerprint
from events.patience import limited_patience
from events.querysets import EventQuerySet

PAGE_SIZE = 50
WINDOWS: dict[str, tuple[str, timedelta]] = {
    "1h": ("1 hour", timedelta(hours=1)),
    "24h": ("24 hours", timedelta(hours=24)),
    "7d": ("7 days", timedelta(days=7)),
    "30d": ("30 days", timedelta(days=30)),
    "all": ("All", timedelta(days=400)),
}
_DEFAULT_WINDOW = "24h"
CUSTOM = "custom"
# "failures" is every severity that hurts, "errors" those of failed requests.
SEVERITIES = {"failures": ("critical", "error", "warning"), "errors": ("critical", "error")}
AHEAD = timedelta(minutes=2)  # events may lie a minute ahead of our clock
_LONGEST_LABELS = 4000
_MOST_VALUES = 100
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class EventSearch:
    """Which events: those from ``start`` up to ``end`` for which all that is given holds; empty means any.

    An ``endpoint`` that ends in * stands for all that begin so; ``words`` stand anywhere in the message, in any case.
    """

    start: datetime
    end: datetime
    severities: Collection[str] = ()
    services: Collection[int] = ()
    name: str = ""
    endpoint: str = ""
    environments: Collection[str] = ()
    release: str = ""
    # Words of events.ingest.labels; every one must be so.
    labels: Mapping[str, str] = field(default_factory=dict)
    # None of these may be so; "" stands for any value.
    labels_left_out: Collection[tuple[str, str]] = ()
    user: str = ""
    issue: int | None = None
    words: str = ""


def search_events(search: EventSearch, *, place: Place | None = None, size: int) -> Page[Event]:
    """One page, newest first, without payload; each knows its issue as ``issue_id``. Raises SearchTooSlowError."""
    with limited_patience():
        return read_page(matching_events(search), order=("-id",), place=place, size=size)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a reader asked for. Unknown or malformed values are ignored, as if they had not been given.

    A custom window goes from ``start`` up to ``end``. ``label`` is a text of events.label_words.
    """

    window: str = _DEFAULT_WINDOW
    start: datetime | None = None
    end: datetime | None = None
    severity: str = ""
    services: tuple[int, ...] = ()
    name: str = ""
    endpoint: str = ""
    environments: tuple[str, ...] = ()
    release: str = ""
    feature: str = ""
    ai_provider: str = ""
    label: str = ""
    user: str = ""
    issue: int | None = None
    older_than: UUID | None = None
    newer_than: UUID | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str], several: Mapping[str, Sequence[str]] | None = None) -> "EventFilter":
        """``several`` are all the values of services and environments, where an address names several."""
        several = several or {}
        services = several.get("service", [query.get("service", "")])[:_MOST_VALUES]
        environments = several.get("environment", [query.get("environment", "")])[:_MOST_VALUES]
        window, severity = query.get("window", ""), query.get("severity", "")
        start, end = _time(query.get("from", "")), _time(query.get("to", ""))
        is_custom = window == CUSTOM and start is not None and end is not None and start < end
        return cls(
            window=window if window in WINDOWS or is_custom else _DEFAULT_WINDOW,
            start=start if is_custom else None,
            end=end if is_custom else None,
            severity=severity if severity in SeverityChoices.values or severity in SEVERITIES else "",
            services=tuple(sorted({one for one in map(_number, services) if one})),
            name=_text(query.get("name", "")),
            endpoint=_text(query.get("endpoint", "")),
            environments=tuple(sorted({_text(one) for one in environments} - {""})),
            release=_text(query.get("release", "")),
            feature=_text(query.get("feature", "")),
            ai_provider=_text(query.get("ai_provider", "")),
            label=query.get("label", "").replace("\x00", "")[:_LONGEST_LABELS],  # as links write it: nobody types it
            user=_text(query.get("user", "")),
            issue=_number(query.get("issue", "")),
            older_than=_uuid(query.get("before", "")),
            newer_than=_uuid(query.get("after", "")),
        )

    def query_string(self, **changes: object) -> str:
        """The address of this filter with changes, first page unless a change says otherwise."""
        return "?" + urlencode(self.query(**changes), doseq=True)

    def query(self, **changes: object) -> dict[str, str | list[str]]:
        """The words of that address; lists where there are several values."""
        changed = replace(self, **{"older_than": None, "newer_than": None, **changes})  # type: ignore[arg-type]
        values = {
            "window": changed.window if changed.window != _DEFAULT_WINDOW else "",
            "from": _instant(changed.start) if changed.window == CUSTOM else "",
            "to": _instant(changed.end) if changed.window == CUSTOM else "",
            "severity": changed.severity,
            "service": changed.services,
            "name": changed.name,
            "endpoint": changed.endpoint,
            "environment": changed.environments,
            "release": changed.release,
            "feature": changed.feature,
            "ai_provider": changed.ai_provider,
            "label": changed.label,
            "user": changed.user,
            "issue": changed.issue or "",
            "before": changed.older_than or "",
            "after": changed.newer_than or "",
        }
        return {word: _written(value) for word, value in values.items() if value not in ("", ())}

    @property
    def cleared(self) -> str:
        """The address of everything in the same window."""
        return EventFilter(window=self.window, start=self.start, end=self.end).query_string()

    @property
    def is_custom(self) -> bool:
        return self.window == CUSTOM

    @property
    def place(self) -> Place | None:
        if self.older_than is not None:
            return Place((self.older_than,))
        return Place((self.newer_than,), is_backwards=True) if self.newer_than is not None else None

    @property
    def is_narrowed(self) -> bool:
        return self != EventFilter(
            window=self.window, start=self.start, end=self.end, older_than=self.older_than, newer_than=self.newer_than
        )

    @property
    def labels(self) -> dict[str, str]:
        """What the event must be labelled with."""
        labels = {"feature": self.feature, "ai_provider": self.ai_provider} | label_words.read(self.label)[0]
        return {name: value for name, value in labels.items() if value}

    @property
    def labels_left_out(self) -> list[tuple[str, str]]:
        """What the event must not be labelled with: (name, value), "" for any value."""
        return label_words.read(self.label)[1]

    @property
    def labels_told(self) -> list[str]:
        """What ``label`` asks for, in words."""
        return label_words.told(self.label)

    def search(self, now: datetime) -> "EventSearch":
        """What to look for when it is asked now."""
        start, end = self.start, self.end
        if start is None or end is None:
            start, end = now - WINDOWS[self.window][1], now + AHEAD
        return EventSearch(
            start=start,
            end=end,
            severities=SEVERITIES.get(self.severity, (self.severity,)) if self.severity else (),
            services=self.services,
            name=self.name,
            endpoint=self.endpoint,
            environments=self.environments,
            release=self.release,
            labels=self.labels,
            labels_left_out=self.labels_left_out,
            user=self.user,
            issue=self.issue,
        )


@dataclass(frozen=True, slots=True)
class EventPage:
    """Newest first. A cursor is None where there is nothing beyond."""

    events: list[Event]
    older: UUID | None
    newer: UUID | None


def find_events(wanted: EventFilter, *, now: datetime) -> EventPage:
    """One page of events. Raises SearchTooSlowError."""
    page = search_events(wanted.search(now), place=wanted.place, size=PAGE_SIZE)
    older, newer = page.following, page.preceding
    return EventPage(page.rows, older=older.key[0] if older else None, newer=newer.key[0] if newer else None)


def matching_events(search: EventSearch) -> EventQuerySet:
    """In no order and not limited; whoever uses it does both."""
    # The bounds are said twice: occurred_at picks the partitions, the id lets the index stop where the window does.
    start = max(search.start, _EPOCH)
    matching = Event.objects.within(start, search.end).since_id_of(start).without_payload().with_issue_id()
    matching = matching.select_related("service")
    if search.severities:
        matching = matching.filter(severity__in=search.severities)
    exact = {
        "name": search.name,
        "release": search.release,
        "user_hash": search.user,
    }
    matching = matching.filter(**{column: value for column, value in exact.items() if value})
    if search.labels:
        matching = matching.filter(labels__contains=dict(search.labels))
    for name, value in search.labels_left_out:
        is_labelled = Q(labels__contains={name: value}) if value else Q(labels__has_key=name)
        matching = matching.filter(~is_labelled)
    if search.endpoint.endswith("*"):
        matching = matching.filter(endpoint__startswith=search.endpoint[:-1])
    elif search.endpoint:
        matching = matching.filter(endpoint=search.endpoint)
    if search.words:
        matching = matching.filter(message__icontains=search.words)
    if search.services:
        matching = matching.filter(**_one_of("service_id", search.services))
    if search.environments:
        matching = matching.filter(**_one_of("environment", search.environments))
    if search.issue is not None:
        fingerprints = IssueFingerprint.objects.filter(issue_id=search.issue).values_list("pk", flat=True)
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


def _one_of(column: str, values: Collection[Any]) -> dict[str, Any]:
    """As a queryset's filter. Of one value the planner knows the most."""
    return {column: next(iter(values))} if len(values) == 1 else {f"{column}__in": list(values)}


def _written(value: object) -> str | list[str]:
    if not isinstance(value, tuple):
        return str(value)
    return str(value[0]) if len(value) == 1 else [str(one) for one in value]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None


def _text(text: str) -> str:
    return text.strip().replace("\x00", "")[:500]


def _time(text: str) -> datetime | None:
    """Aware; a time without an offset is on the reader's clock."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else timezone.make_aware(at)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _instant(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
