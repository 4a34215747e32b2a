"""One user: what they met and used in the window, event by event. The one report that reads events instead of rollups."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from dashboards.reports.question import Question
from events.rollup_tables import FAILURES
from events.user_events import (
    MOST_ADDED,
    UserEvent,
    UserSum,
    UserWindow,
    events_of_user,
    first_day_of_user,
    sums_of_user,
)

PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """``status`` is the class of an answer's status, such as 5xx; "" for events that are none. ``message`` is its beginning."""

    event_id: str
    occurred_at: datetime
    name: str
    severity: str
    is_failure: bool
    message: str
    service_id: int
    environment: str
    release: str
    endpoint: str
    status: str
    feature: str
    ai_provider: str
    duration_ms: float | None
    session_id: str
    issue_id: int | None


@dataclass(frozen=True, slots=True)
class UserFailureKind:
    name: str
    severity: str
    event_count: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class UserFeature:
    """Events that name the feature: ``uses`` are no failures."""

    feature: str
    uses: int
    failures: int


@dataclass(frozen=True, slots=True)
class UserTimeline:
    """``known_since`` is the first day (UTC) that any event named the user, in the window or before.

    Sums are of the newest 5,000 events; ``is_capped``: there may be more. ``events`` are a page of 100, newest first, and
    ``older`` is what the next page is asked for with; None on the last one.
    """

    user: str
    known_since: date | None
    event_count: int
    failures: int
    is_capped: bool
    sessions: int
    first_at: datetime | None
    last_at: datetime | None
    kinds: list[UserFailureKind]
    features: list[UserFeature]
    releases: list[str]
    events: list[TimelineEvent]
    older: str | None


def user_timeline(question: Question, *, user: str, before: str = "", most: int = PAGE_SIZE) -> UserTimeline:
    """Of a user by their hash. A page has at most so many events and ends before the one whose id is ``before``.

    Raises SearchTooSlowError.
    """
    filters = question.filters
    window = UserWindow(
        user, question.window.start, question.window.end, filters.services, filters.environments, filters.release
    )
    sums = sums_of_user(window)
    found = events_of_user(window, most=most + 1, older_than=_id(before)) if sums else []
    page = found[:most]
    event_count = sum(one.event_count for one in sums)
    return UserTimeline(
        user=user,
        known_since=first_day_of_user(user),
        event_count=event_count,
        failures=sum(one.event_count for one in sums if one.severity in FAILURES),
        is_capped=event_count >= MOST_ADDED,
        sessions=sums[0].session_count if sums else 0,
        first_at=min((one.first_at for one in sums), default=None),
        last_at=max((one.last_at for one in sums), default=None),
        kinds=_kinds(sums),
        features=_features(sums),
        releases=_releases(sums),
        events=[_event(event) for event in page],
        older=str(page[-1].id) if len(found) > most else None,
    )


def _kinds(sums: Sequence[UserSum]) -> list[UserFailureKind]:
    """Most frequent first."""
    found: dict[tuple[str, str], list[UserSum]] = defaultdict(list)
    for one in sums:
        if one.severity in FAILURES:
            found[one.name, one.severity].append(one)
    kinds = [
        UserFailureKind(name, severity, sum(one.event_count for one in group), max(one.last_at for one in group))
        for (name, severity), group in found.items()
    ]
    return sorted(kinds, key=lambda kind: (-kind.event_count, kind.name, kind.severity))


def _features(sums: Sequence[UserSum]) -> list[UserFeature]:
    """Most used first."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in sums:
        if one.feature:
            counts[one.feature][one.severity in FAILURES] += one.event_count
    features = [UserFeature(feature, uses, failures) for feature, (uses, failures) in counts.items()]
    return sorted(features, key=lambda one: (-one.uses, -one.failures, one.feature))


def _releases(sums: Sequence[UserSum]) -> list[str]:
    """The one met last first."""
    met: dict[str, datetime] = {}
    for one in sums:
        if one.release:
            met[one.release] = max(one.last_at, met.get(one.release, one.last_at))
    return sorted(met, key=lambda release: (met[release], release), reverse=True)


def _event(event: UserEvent) -> TimelineEvent:
    return TimelineEvent(
        event_id=str(event.id),
        occurred_at=event.occurred_at,
        name=event.name,
        severity=event.severity,
        is_failure=event.severity in FAILURES,
        message=event.message,
        service_id=event.service_id,
        environment=event.environment,
        release=event.release,
        endpoint=event.endpoint,
        status=event.labels.get("status", ""),
        feature=event.labels.get("feature", ""),
        ai_provider=event.labels.get("ai_provider", ""),
        duration_ms=event.duration_ms,
        session_id=event.session_id,
        issue_id=event.issue_id,
    )


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
