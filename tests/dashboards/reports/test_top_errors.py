from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.reports.question import Filters, Question
from dashboards.reports.top_errors import ErrorRow, top_errors
from dashboards.reports.trends import earlier_spans, trend_of
from dashboards.window import Span, preset
from events.models import Event
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
Say = Callable[..., list[dict[str, Any]]]

# The guide's own first query, but for what it looks at.
GUIDE = """
    SELECT name, severity, count(*) AS event_count, count(DISTINCT nullif(user_hash, '')) AS affected_users,
        avg(duration_ms) AS average_ms, count(duration_ms) AS measured, max(occurred_at) AS last_seen_at,
        array_agg(DISTINCT service_id ORDER BY service_id) AS service_ids
    FROM {events} WHERE CONDITION GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""
FAILURES = "severity IN ('critical', 'error', 'warning') OR name LIKE '%%error%%'"
CONDITIONS = {"": FAILURES, "error": "name LIKE '%%error%%'", "api_": r"name LIKE 'api\_%%'"}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("contains", CONDITIONS)
def test_it_says_what_the_events_say(
    make_sender: Callable[[str], Sender], events_say: Say, seed: int, contains: str
) -> None:
    services = fill(make_sender, seed=seed)
    for question in questions(services):
        condition = CONDITIONS[contains]

        found = top_errors(question, contains=contains)

        expected = events_say(question, GUIDE.replace("CONDITION", condition))
        assert [_numbers(row) for row in found.errors] == [
            tuple(
                row[name] for name in ("name", "severity", "event_count", "affected_users", "measured", "service_ids")
            )
            for row in expected
        ]
        assert found.event_count == sum(row["event_count"] for row in expected)
        for row, plain in zip(found.errors, expected, strict=True):
            assert row.share == pytest.approx(row.event_count / found.event_count)
            assert row.average_ms == (None if plain["average_ms"] is None else pytest.approx(plain["average_ms"]))
            _check_last_seen(row, plain["last_seen_at"], question)
        everybody = events_say(
            question, f"SELECT count(DISTINCT nullif(user_hash, '')) AS users FROM {{events}} WHERE {condition}"
        )
        assert found.affected_users == everybody[0]["users"]
        _check_steps(found, events_say(question, f"SELECT * FROM {{events}} WHERE {condition}"))


def _numbers(row: ErrorRow) -> tuple[Any, ...]:
    return row.name, row.severity, row.event_count, row.affected_users, row.measured, row.service_ids


def _check_last_seen(row: ErrorRow, at: datetime, question: Question) -> None:
    apart = at - row.last_seen_at
    assert timedelta() <= apart
    age = question.window.now - at
    if age < timedelta(hours=1):
        assert apart < timedelta(minutes=1)
    elif age < timedelta(days=1):
        assert apart < timedelta(hours=1)
    else:
        assert apart < timedelta(days=1)


def _check_steps(found: Any, events: list[dict[str, Any]]) -> None:
    charted = {(one.name, one.severity): one.event_counts for one in found.charted}
    assert list(charted) == [(row.name, row.severity) for row in found.errors[:5]]
    for place, step in enumerate(found.steps):
        inside = [
            (event["name"], event["severity"]) for event in events if step.start <= event["occurred_at"] < step.end
        ]
        for key, counts in charted.items():
            assert counts[place] == inside.count(key)
        if found.errors:
            assert found.others[place] == sum(key not in charted for key in inside)


@pytest.mark.parametrize("seed", range(2))
def test_it_compares_with_what_the_events_say_of_earlier_days(make_sender: Callable[[str], Sender], seed: int) -> None:
    services = fill(make_sender, seed=seed, count=900)
    kinds = set()
    for question in questions(services):
        found = top_errors(question)

        spans = earlier_spans(question.window, question.zone)
        events = _asked_for(question)
        assert found.earlier == spans
        for row in found.errors:
            counts = [_count(row, events, span) for span in spans]
            known = [
                count
                for count, span in zip(counts, spans, strict=True)
                if _was_heard(row, question, events, since=spans[-1], by=span.start)
            ]
            before = _count(row, events, Span(spans[-1].start, question.window.start))
            assert row.trend == trend_of(row.event_count, known, is_known=before > 0)
            kinds.add(row.trend.kind)
    assert {"new", "rising", "usual", "unknown"} <= kinds


def _asked_for(question: Question) -> list[Event]:
    """Those that the question's filters let through, of whatever time."""
    filters, found = question.filters, Event.objects.all()
    if filters.services:
        found = found.filter(service__in=filters.services)
    if filters.environments:
        found = found.filter(environment__in=filters.environments)
    if filters.release:
        found = found.filter(release=filters.release)
    return list(found.only("name", "severity", "service", "occurred_at"))


def _count(row: ErrorRow, events: list[Event], span: Span) -> int:
    return sum(
        (event.name, event.severity) == (row.name, row.severity) and span.start <= event.occurred_at < span.end
        for event in events
    )


def _was_heard(row: ErrorRow, question: Question, events: list[Event], *, since: Span, by: datetime) -> bool:
    """Whether a service that sends these events sent any by the day (UTC) on which a span began."""
    midnight = since.start.replace(hour=0, minute=0)
    end = min(by.replace(hour=0, minute=0) + timedelta(days=1), question.window.end)
    return any(event.service_id in row.service_ids and midnight <= event.occurred_at < end for event in events)


def day_of(sender: Sender, days: int, *names: str) -> None:
    """These failures, so many days ago at the time of now."""
    at = NOW - timedelta(days=days, minutes=30)
    for name in names:
        sender.store({"event": name, "level": "error", "timestamp": at.isoformat()}, at=at)


def trends(zone: str = "UTC", *, window: str = "24h", **filters: Any) -> dict[str, tuple[str, int]]:
    question = Question(preset(window, NOW), ZoneInfo(zone), Filters(**filters))
    return {row.name: (row.trend.kind, row.trend.days) for row in top_errors(question).errors}


def test_a_service_of_two_days_is_too_young_to_say_what_is_new(make_sender: Callable[[str], Sender]) -> None:
    old, young = make_sender("lift api"), make_sender("lift web")
    for days in range(9):
        day_of(old, days, "old_error")
    for days in range(4):
        day_of(young, days, "young_error")
    day_of(old, 0, "another")
    day_of(young, 0, "one_more")
    compact()

    assert trends() == {
        "old_error": ("usual", 7),
        "another": ("new", 7),
        "young_error": ("unknown", 2),
        "one_more": ("unknown", 2),
    }


def test_what_comes_at_another_hour_each_day_is_not_new(sender: Sender) -> None:
    for days in range(1, 9):
        at = NOW - timedelta(days=days, hours=5)
        sender.store({"event": "nightly_error", "level": "error", "timestamp": at.isoformat()}, at=at)
    day_of(sender, 0, "nightly_error", "really_new")
    compact()

    assert trends(window="1h") == {"nightly_error": ("usual", 7), "really_new": ("new", 7)}


def test_it_counts_by_hand(sender: Sender) -> None:
    for user, took in (("ann", 100), ("ann", 200), ("bob", None)):
        sender.store(
            {
                "event": "api_error",
                "level": "error",
                "user_id": user,
                "duration_ms": took,
                "timestamp": (NOW - timedelta(minutes=9)).isoformat(),
            },
            at=NOW,
        )
    sender.store({"event": "error_page_seen", "level": "info", "timestamp": NOW.isoformat()}, at=NOW)
    sender.store({"event": "login", "level": "info", "timestamp": NOW.isoformat()}, at=NOW)
    compact()

    found = top_errors(Question(preset("24h", NOW), ZoneInfo("Europe/Berlin")))

    first, second = found.errors
    assert (first.name, first.severity, first.event_count, first.share) == ("api_error", "error", 3, 0.75)
    assert (first.affected_users, first.average_ms, first.measured) == (2, 150.0, 2)
    assert first.last_seen_at == (NOW - timedelta(minutes=9)).replace(second=0)
    assert (second.name, second.severity, second.average_ms, second.affected_users) == (
        "error_page_seen",
        "info",
        None,
        0,
    )
    assert (found.event_count, found.affected_users) == (4, 2)


def test_it_is_empty_without_events(db: None) -> None:
    found = top_errors(Question(preset("24h", NOW), ZoneInfo("UTC")))

    assert (found.errors, found.event_count, found.affected_users, found.charted) == ([], 0, 0, [])
