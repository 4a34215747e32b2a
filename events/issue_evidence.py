"""What an issue's page shows as evidence: its events one by one, what they have in common, whom they hurt.

Every read goes fingerprint by fingerprint along the index (fingerprint, id), newest first, so that it costs what it shows
and not what the issue has.
"""

import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max, Min, Sum

from events.keyset import Page, Place, page_of
from events.models import Event, FingerprintUser, Issue
from events.user_agents import browser_of

SAMPLE_SIZE = 1000
_MAX_VALUES = 5
_MAX_TAGS = 12
_LIST_COLUMNS = "id, occurred_at, severity, name, message, environment, release, endpoint, duration_ms, user_hash"
_SUMMARY_COLUMNS = f"{_LIST_COLUMNS}, service_id, event_id, kind, tier, received_at, session_id"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which events to look at: those of these fingerprints, of one user when ``user_hash`` is not empty."""

    fingerprint_ids: Sequence[int]
    first_seen_at: datetime
    last_seen_at: datetime
    user_hash: str = ""

    @classmethod
    def of(cls, issue: Issue, fingerprint_ids: Sequence[int], *, user_hash: str = "") -> "Evidence":
        return cls(fingerprint_ids, issue.first_seen_at, issue.last_seen_at, user_hash)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The ids to go to from one event; None where there is nothing further that way."""

    oldest: UUID | None
    older: UUID | None
    newer: UUID | None
    latest: UUID | None


@dataclass(frozen=True, slots=True)
class Share:
    """How often one value occurred among the sampled events; ``percent`` is of all of them, 0 to 100."""

    value: str
    count: int
    percent: float


@dataclass(frozen=True, slots=True)
class Distribution:
    """The commonest values of one tag or field; ``other_count`` events have yet another value."""

    tag: str
    shares: list[Share]
    other_count: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest events of an issue, up to `SAMPLE_SIZE`, counted by what they carry."""

    size: int
    releases: list[str]
    distributions: list[Distribution]


@dataclass(frozen=True, slots=True)
class HurtUser:
    """One user, hashed, and how often and when the issue hurt them."""

    user_hash: str
    event_total: int
    first_at: datetime
    last_at: datetime


def event_shown(evidence: Evidence, event_id: UUID | None) -> Event | None:
    """The event of that id when it belongs here; without an id the newest."""
    if event_id is None:
        event_id = _first_id(evidence, "", [], descending=True)
    if event_id is None:
        return None
    event = Event.objects.by_id(event_id).filter(fingerprint__in=evidence.fingerprint_ids).first()
    return event if event and evidence.user_hash in ("", event.user_hash) else None


def neighbours(evidence: Evidence, event_id: UUID) -> Neighbours:
    """Where to go from that event, by id and so by time."""

    def first(condition: str, *, descending: bool) -> UUID | None:
        return _first_id(evidence, condition, [event_id], descending=descending)

    return Neighbours(
        oldest=first("AND event.id < %s", descending=False),
        older=first("AND event.id < %s", descending=True),
        newer=first("AND event.id > %s", descending=False),
        latest=first("AND event.id > %s", descending=True),
    )


def page_of_events(evidence: Evidence, *, before: UUID | None = None, size: int) -> list[Event]:
    """Up to ``size`` events, newest first, those older than ``before`` when given; without their payload."""
    condition, parameters = ("AND event.id < %s", [before]) if before else ("", [])
    return list(_newest(evidence, condition, parameters, columns=_LIST_COLUMNS, size=size))


def summaries(issue: Issue, evidence: Evidence, *, place: Place | None = None, size: int) -> Page[Event]:
    """One page of the events of ``issue``, newest first, each knowing its service and its issue, without payload."""
    is_backwards = place is not None and place.is_backwards
    condition = "" if place is None else "AND event.id > %s" if is_backwards else "AND event.id < %s"
    parameters = [] if place is None else [place.key[0]]
    rows = _found(
        evidence, condition, parameters, columns=_SUMMARY_COLUMNS, size=size + 1, is_descending=not is_backwards
    )
    found = list(rows)
    for event in found:
        event.service, event.issue_id = issue.service, issue.pk
    return page_of(found, columns=("id",), place=place, size=size)


def sample(evidence: Evidence) -> Sample:
    """Count what the newest events carry: their tags, environment, release, endpoint and browser. One query."""
    columns = "id, environment, release, endpoint, tags, data ->> 'userAgent' AS user_agent"
    counters: dict[str, Counter[str]] = {}
    size = 0
    for event in _newest(evidence, "", [], columns=columns, size=SAMPLE_SIZE):
        size += 1
        for tag, value in _carried(event):
            counters.setdefault(tag, Counter())[value] += 1
    distributions = [_distribution(tag, counter, size) for tag, counter in counters.items()]
    distributions.sort(key=lambda one: (one.tag not in _FIELDS, -sum(share.count for share in one.shares), one.tag))
    return Sample(size, list(counters.get("release", ())), distributions[:_MAX_TAGS])


def users_hurt(evidence: Evidence, *, limit: int) -> list[HurtUser]:
    """Whom it hurt most, those with the most events first."""
    rows = (
        FingerprintUser.objects.filter(fingerprint__in=evidence.fingerprint_ids)
        .values("user_hash")
        .annotate(event_total=Sum("event_count"), first_at=Min("first_seen_at"), last_at=Max("last_seen_at"))
        .order_by("-event_total", "-last_at", "user_hash")[:limit]
    )
    return [HurtUser(**row) for row in rows]


_FIELDS = ("environment", "release", "endpoint", "browser")


def _carried(event: Event) -> list[tuple[str, str]]:
    fields = [("environment", event.environment), ("release", event.release), ("endpoint", event.endpoint)]
    fields.append(("browser", browser_of(getattr(event, "user_agent", None) or "")))
    tags = event.tags if isinstance(event.tags, dict) else {}
    fields += [(tag, str(value)) for tag, value in tags.items() if tag not in _FIELDS]
    return [(tag, value) for tag, value in fields if value]


def _distribution(tag: str, counter: Counter[str], size: int) -> Distribution:
    shares = [Share(value, count, 100 * count / size) for value, count in counter.most_common(_MAX_VALUES)]
    return Distribution(tag, shares, counter.total() - sum(map(operator.attrgetter("count"), shares)))


def _window(evidence: Evidence) -> tuple[str, list[Any]]:
    condition = "event.occurred_at >= %s AND event.occurred_at < %s"
    parameters: list[Any] = [evidence.first_seen_at, evidence.last_seen_at + timedelta(milliseconds=1)]
    if evidence.user_hash:
        return f"{condition} AND event.user_hash = %s", [*parameters, evidence.user_hash]
    return condition, parameters


def _first_id(evidence: Evidence, condition: str, parameters: list[Any], *, descending: bool) -> UUID | None:
    direction = "DESC" if descending else "ASC"
    window, window_parameters = _window(evidence)
    with connection.cursor() as cursor:
        # Each text that is put in here is one of the constants of this module; values are bound.
        cursor.execute(
            f"""
            SELECT found.id FROM unnest(%s::bigint[]) AS wanted (fingerprint_id) CROSS JOIN LATERAL (
                SELECT event.id FROM events_event AS event
                WHERE event.fingerprint_id = wanted.fingerprint_id AND {window} {condition}
                ORDER BY event.id {direction} LIMIT 1
            ) AS found ORDER BY found.id {direction} LIMIT 1
            """,  # noqa: S608
            [list(evidence.fingerprint_ids), *window_parameters, *parameters],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _newest(evidence: Evidence, condition: str, parameters: list[Any], *, columns: str, size: int) -> Any:
    return _found(evidence, condition, parameters, columns=columns, size=size, is_descending=True)


def _found(
    evidence: Evidence, condition: str, parameters: list[Any], *, columns: str, size: int, is_descending: bool
) -> Any:
    """The first ``size`` events in that direction of ids."""
    direction = "DESC" if is_descending else "ASC"
    window, window_parameters = _window(evidence)
    return Event.objects.raw(
        f"""
        SELECT {columns} FROM (
            SELECT found.* FROM unnest(%s::bigint[]) AS wanted (fingerprint_id) CROSS JOIN LATERAL (
                SELECT event.* FROM events_event AS event
                WHERE event.fingerprint_id = wanted.fingerprint_id AND {window} {condition}
                ORDER BY event.id {direction} LIMIT %s
            ) AS found ORDER BY found.id {direction} LIMIT %s
        ) AS first_ones ORDER BY id {direction}
        """,  # noqa: S608
        [list(evidence.fingerprint_ids), *window_parameters, *parameters, size, size],
    )
