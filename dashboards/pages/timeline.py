"""Events of one user as people read them: by day and session, and what went well between two failures as one. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any

from dashboards.reports.user_timeline import TimelineEvent

# More lines than these of what went well are folded.
_LONG = 3


@dataclass(slots=True)
class Line:
    """``event`` is the newest of so many ``times`` the same in a row; the first of them was at ``first_at``.

    ``endpoints`` are theirs, the newest first: what went well is one line wherever it happened.
    """

    event: TimelineEvent
    times: int
    first_at: datetime
    endpoints: list[str]


@dataclass(slots=True)
class Stretch:
    """Lines that follow one another, all of failures or all of what went well. Newest line first."""

    has_failed: bool
    lines: list[Line] = field(default_factory=list)

    @property
    def is_long(self) -> bool:
        """Whether it would hide the failures around it."""
        return not self.has_failed and len(self.lines) > _LONG

    @property
    def event_count(self) -> int:
        return sum(line.times for line in self.lines)

    @property
    def counts(self) -> list[tuple[str, int]]:
        """How often each name came, the most frequent first."""
        times: Counter[str] = Counter()
        for line in self.lines:
            times[line.event.name] += line.times
        return sorted(times.items(), key=lambda one: (-one[1], one[0]))

    @property
    def features(self) -> list[str]:
        """The features that were used, the newest first."""
        return list(dict.fromkeys(line.event.feature for line in self.lines if line.event.feature))


@dataclass(slots=True)
class Session:
    """``session_id`` is "" for events without one. Newest first."""

    session_id: str
    stretches: list[Stretch] = field(default_factory=list)
    event_count: int = 0
    failures: int = 0
    # The newest first.
    releases: list[str] = field(default_factory=list)

    @property
    def first_at(self) -> datetime:
        return self.stretches[-1].lines[-1].first_at

    @property
    def last_at(self) -> datetime:
        return self.stretches[0].lines[0].event.occurred_at


@dataclass(slots=True)
class Day:
    day: date
    sessions: list[Session] = field(default_factory=list)


def days_of(events: Sequence[TimelineEvent], zone: tzinfo) -> list[Day]:
    """Events come newest first; days, the sessions of each and their lines go likewise. Days are the zone's."""
    days: list[Day] = []
    sessions: dict[str, Session] = {}
    for event in events:
        today = event.occurred_at.astimezone(zone).date()
        if not days or days[-1].day != today:
            days.append(Day(today))
            sessions = {}
        session = sessions.get(event.session_id)
        if session is None:
            sessions[event.session_id] = session = Session(event.session_id)
            days[-1].sessions.append(session)
        _add(session, event)
    return days


def _add(session: Session, event: TimelineEvent) -> None:
    session.event_count += 1
    session.failures += event.is_failure
    if event.release and event.release not in session.releases:
        session.releases.append(event.release)
    has_failed = _has_failed(event)
    if not session.stretches or session.stretches[-1].has_failed != has_failed:
        session.stretches.append(Stretch(has_failed))
    lines = session.stretches[-1].lines
    if lines and _likeness(lines[-1].event) == _likeness(event):
        line = lines[-1]
        line.times += 1
        line.first_at = event.occurred_at
        if event.endpoint and event.endpoint not in line.endpoints:
            line.endpoints.append(event.endpoint)
    else:
        endpoints = [event.endpoint] if event.endpoint else []
        lines.append(Line(event, 1, event.occurred_at, endpoints))


def _likeness(event: TimelineEvent) -> tuple[Any, ...]:
    """What two events in a row must have in common to be one line."""
    alike = (event.name, event.severity, event.feature, event.ai_provider, event.service_id, event.release)
    return (*alike, event.endpoint, event.message, event.status) if _has_failed(event) else alike


def _has_failed(event: TimelineEvent) -> bool:
    """A failure, or a request that was answered with an error of the server."""
    return event.is_failure or event.status == "5xx"
