"""Top errors: what failed how often, whom it hurt, how long it took, and whether that is more than usual."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.reports.trends import Trend, earlier_spans, trend_of
from dashboards.window import DAY, HOUR, MINUTE, Span, floor

# Names that the chart tells apart; the rest is one more.
_CHARTED = 5
# The last event is told to the minute when it was so lately, and to the hour; before that to the day.
_BY_THE_MINUTE, _BY_THE_HOUR = HOUR, DAY


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """Events of one name and severity. ``share`` is of all events of the report, from 0 to 1.

    ``average_ms`` is of the ``measured`` events, those that say how long they took; None when none does. ``last_seen_at`` is when
    the minute began that had the last one; when that is over two hours ago the hour (UTC), when over two days ago the day.
    """

    name: str
    severity: str
    event_count: int
    share: float
    affected_users: int
    average_ms: float | None
    measured: int
    last_seen_at: datetime
    trend: Trend
    service_ids: list[int]


@dataclass(frozen=True, slots=True)
class ErrorSteps:
    """How often one name and severity came in each of the report's ``steps``."""

    name: str
    severity: str
    event_counts: list[int]


@dataclass(frozen=True, slots=True)
class TopErrors:
    """Most frequent first. ``others`` are the events of each step besides those of ``charted``.

    ``earlier`` are the spans that are compared with, the latest first; ``is_same_hours``: of earlier days, else windows before.
    """

    errors: list[ErrorRow]
    event_count: int
    affected_users: int
    steps: list[Span]
    charted: list[ErrorSteps]
    others: list[int]
    earlier: list[Span]
    is_same_hours: bool


@dataclass(frozen=True, slots=True)
class _Row:
    name: str | None
    severity: str | None
    event_count: int
    duration_count: int
    duration_ms: float
    affected_users: int
    last_place: int | None
    service_ids: list[int] | None


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    severity: str
    place: int
    event_count: int


@dataclass(frozen=True, slots=True)
class _Heard:
    service_id: int
    day: datetime


def top_errors(question: Question, *, contains: str = "", is_charted: bool = True) -> TopErrors:
    """Of every failure and all events with "error" in their name; with ``contains``, of events with that in their name instead.

    ``is_charted``: whether ``charted`` and ``others`` are wanted; they are empty otherwise.
    """
    by_age = _by_age(question.window.span, question.window.now)
    whole, *rows = ask("top_errors", question, _Row, steps=by_age, contains=contains)
    earlier = earlier_spans(question.window, question.zone)
    trends = _trends(question, rows, earlier, contains) if rows else {}
    errors = [
        ErrorRow(
            name=row.name or "",
            severity=row.severity or "",
            event_count=row.event_count,
            share=row.event_count / whole.event_count,
            affected_users=row.affected_users,
            average_ms=row.duration_ms / row.duration_count if row.duration_count else None,
            measured=row.duration_count,
            last_seen_at=by_age[row.last_place or 0].start,
            trend=trends[row.name, row.severity],
            service_ids=row.service_ids or [],
        )
        for row in rows
    ]
    charted, others = _charted(question, errors, contains) if errors and is_charted else ([], [])
    return TopErrors(
        errors,
        whole.event_count,
        whole.affected_users,
        question.steps,
        charted,
        others,
        earlier,
        question.window.is_within_a_day,
    )


def _by_age(span: Span, now: datetime) -> list[Span]:
    """The window in minutes, hours and days (UTC), the longer ago the longer; in the order of time."""
    edges = [span.end]
    while edges[-1] > span.start:
        at = edges[-1]
        age = now - at
        grain = MINUTE if age < _BY_THE_MINUTE else HOUR if age < _BY_THE_HOUR else DAY
        edges.append(max(floor(at - timedelta(microseconds=1), grain), span.start))
    edges.reverse()
    return [Span(start, end) for start, end in pairwise(edges)]


def _trends(
    question: Question, rows: Iterable[_Row], earlier: list[Span], contains: str
) -> dict[tuple[str | None, str | None], Trend]:
    # The last one: whether it came at other hours of these days.
    spans = [*earlier, Span(earlier[-1].start, question.window.start)]
    counts: dict[tuple[str, str], list[int]] = {}
    for step in ask("errors_by_step", question, _Step, steps=spans, contains=contains):
        counts.setdefault((step.name, step.severity), [0] * len(spans))[step.place] = step.event_count
    since = floor(earlier[-1].start, DAY)
    heard = {one.service_id: one.day.date() for one in ask("services_heard", question, _Heard, since=since)}
    trends = {}
    for row in rows:
        found = counts.get((row.name or "", row.severity or ""), [0] * len(spans))
        days = [heard[service_id] for service_id in row.service_ids or () if service_id in heard]
        known = _known_since(earlier, min(days, default=None))
        trends[row.name, row.severity] = trend_of(row.event_count, found[:known], is_known=found[-1] > 0)
    return trends


def _known_since(earlier: list[Span], day: date | None) -> int:
    """How many of the spans, the latest first, began when a service was heard of already: on that day (UTC) or later."""
    return sum(day is not None and span.start.date() >= day for span in earlier)


def _charted(question: Question, errors: list[ErrorRow], contains: str) -> tuple[list[ErrorSteps], list[int]]:
    places = range(len(question.steps))
    charted = {
        (error.name, error.severity): ErrorSteps(error.name, error.severity, [0 for _ in places])
        for error in errors[:_CHARTED]
    }
    others = [0 for _ in places]
    for step in ask("errors_by_step", question, _Step, contains=contains):
        one = charted.get((step.name, step.severity))
        (one.event_counts if one else others)[step.place] += step.event_count
    return list(charted.values()), others
