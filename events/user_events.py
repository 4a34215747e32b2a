"""The events of one user: a page of them, newest first, and what they add up to.

Read by the index of users, whose entries are in the order of time (events_event_by_user), and never without a window. Only the
newest 5,000 of a window are added up: more are a machine's, whose sums say no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Left

from events.event_ids import lowest_id
from events.models import Event
from events.patience import limited_patience

MOST_ADDED = 5_000
_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class UserWindow:
    """One user's events from ``start`` up to ``end``, of some services and environments and of one release, or of all."""

    user_hash: str
    start: datetime
    end: datetime
    services: Sequence[int] = ()
    environments: Sequence[str] = ()
    release: str = ""

    @property
    def exact(self) -> dict[str, Any]:
        """What columns must be, as a queryset's filters."""
        wanted = {
            "user_hash": self.user_hash,
            "service_id__in": self.services,
            "environment__in": self.environments,
            "release": self.release,
        }
        return {column: value for column, value in wanted.items() if value}


@dataclass(frozen=True, slots=True)
class UserEvent:
    """``message`` is its beginning; ``issue_id`` is of the issue it counts for."""

    id: UUID
    occurred_at: datetime
    name: str
    severity: str
    message: str
    service_id: int
    environment: str
    release: str
    endpoint: str
    duration_ms: float | None
    session_id: str
    labels: dict[str, str]
    issue_id: int | None


@dataclass(frozen=True, slots=True)
class UserSum:
    """Events that have these words in common; of the newest 5,000. ``session_count`` is of all of these, the same in each sum."""

    name: str
    severity: str
    feature: str
    release: str
    event_count: int
    first_at: datetime
    last_at: datetime
    session_count: int


_COLUMNS = (
    "id", "occurred_at", "name", "severity", "message_start", "service_id", "environment", "release", "endpoint", "duration_ms",
    "session_id", "labels", "issue_id",
)  # fmt: skip
_SUMS = """
    WITH newest AS MATERIALIZED (
        SELECT name, severity, labels, session_id, release, occurred_at FROM events_event
        WHERE user_hash = %(user_hash)s AND user_hash <> '' AND occurred_at >= %(start)s AND occurred_at < %(end)s
            AND id >= %(first_id)s AND id < %(last_id)s
            AND (%(services)s::int[] = '{}' OR service_id = ANY(%(services)s))
            AND (%(environments)s::text[] = '{}' OR environment = ANY(%(environments)s))
            AND (%(release)s = '' OR release = %(release)s)
        ORDER BY id DESC LIMIT %(most)s
    )
    SELECT name, severity, coalesce(labels ->> 'feature', ''), release, count(*), min(occurred_at), max(occurred_at), (
        SELECT count(*) FROM (SELECT DISTINCT session_id FROM newest WHERE session_id <> '') AS sessions
    ) FROM newest GROUP BY 1, 2, 3, 4
"""


def events_of_user(window: UserWindow, *, most: int, older_than: UUID | None = None) -> list[UserEvent]:
    """The newest ones, or the newest that are older than the event of that id; newest first. Raises SearchTooSlowError."""
    found = Event.objects.within(window.start, window.end).since_id_of(window.start).filter(**window.exact)
    found = found.filter(id__lt=min(older_than or lowest_id(window.end), lowest_id(window.end)))
    rows = found.newest_first().with_issue_id().annotate(message_start=Left("message", _MESSAGE))
    with limited_patience():
        return [UserEvent(*row) for row in rows.values_list(*_COLUMNS)[:most]]


def sums_of_user(window: UserWindow) -> list[UserSum]:
    """What the newest 5,000 events add up to. Raises SearchTooSlowError."""
    with limited_patience(), connection.cursor() as cursor:
        cursor.execute(
            _SUMS,
            {
                "user_hash": window.user_hash,
                "start": window.start,
                "end": window.end,
                "first_id": lowest_id(window.start),
                "last_id": lowest_id(window.end),
                "services": list(window.services),
                "environments": list(window.environments),
                "release": window.release,
                "most": MOST_ADDED,
            },
        )
        return [UserSum(*row) for row in cursor.fetchall()]


def first_day_of_user(user_hash: str) -> date | None:
    """The first day (UTC) that any event named the user; None: they are unknown, or not counted yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT first_day FROM events_usernumber WHERE user_hash = %s", [user_hash])
        row = cursor.fetchone()
    return row[0] if row else None
