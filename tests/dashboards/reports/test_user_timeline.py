from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from dashboards.reports.question import Filters, Question
from dashboards.reports.user_timeline import TimelineEvent, user_timeline
from dashboards.window import preset
from events import user_events
from events.ingest.configured_scrubber import scrubber
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
Say = Callable[..., list[dict[str, Any]]]
FAILURES = ("critical", "error", "warning")


def all_pages(question: Question, user: str) -> list[TimelineEvent]:
    events, before = [], ""
    while True:
        page = user_timeline(question, user=user, before=before, most=7)
        events += page.events
        if page.older is None:
            return events
        assert len(page.events) == 7
        before = page.older


@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed)
    users = [scrubber().hash_user(f"u-{number}") for number in (0, 1, 99)]
    for question in questions(services):
        for user in users:
            expected = events_say(
                question,
                "SELECT *, coalesce(data ->> 'feature', '') AS feature FROM {events} WHERE user_hash = %(user)s ORDER BY id DESC",
                user=user,
            )
            _check(user_timeline(question, user=user), expected)

            events = all_pages(question, user)

            assert [event.event_id for event in events] == [str(row["id"]) for row in expected]
            for event, row in zip(events, expected, strict=True):
                assert (event.occurred_at, event.name, event.severity) == (
                    row["occurred_at"],
                    row["name"],
                    row["severity"],
                )
                assert event.is_failure == (row["severity"] in FAILURES)
                assert event.feature == row["feature"]


def _check(found: Any, rows: list[dict[str, Any]]) -> None:
    failed = [row for row in rows if row["severity"] in FAILURES]
    assert (found.event_count, found.failures) == (len(rows), len(failed))
    assert found.sessions == len({row["session_id"] for row in rows} - {""})
    times = [row["occurred_at"] for row in rows]
    assert (found.first_at, found.last_at) == (min(times, default=None), max(times, default=None))
    kinds = Counter((row["name"], row["severity"]) for row in failed)
    assert {(kind.name, kind.severity): kind.event_count for kind in found.kinds} == kinds
    for kind in found.kinds:
        assert kind.last_at == max(row["occurred_at"] for row in failed if row["name"] == kind.name)
    for is_failure, counts in (
        (False, {one.feature: one.uses for one in found.features}),
        (True, {one.feature: one.failures for one in found.features}),
    ):
        named = Counter(
            row["feature"] for row in rows if row["feature"] and (row["severity"] in FAILURES) == is_failure
        )
        assert {feature: count for feature, count in counts.items() if count} == named
    assert set(found.releases) == {row["release"] for row in rows} - {""}


def send(sender: Sender, name: str, minutes_ago: float, **data: Any) -> None:
    at = NOW - timedelta(minutes=minutes_ago)
    sender.store({"event": name, "user_id": "ann", "timestamp": at.isoformat(), **data}, at=at)


def ask(window: str = "24h", *, before: str = "", **filters: Any) -> Any:
    question = Question(preset(window, NOW), ZoneInfo("UTC"), Filters(**filters))
    return user_timeline(question, user=scrubber().hash_user("ann"), before=before)


def test_it_counts_by_hand(sender: Sender) -> None:
    send(sender, "feature_used", 50, feature="career", session_id="s1", release="lift@1")
    send(sender, "ai_failure", 49, level="warn", feature="career", ai_provider="openai", session_id="s1")
    send(
        sender, "api_error", 5, level="error", message="boom", endpoint="/api/career", session_id="s2", release="lift@2"
    )
    send(sender, "api_response_time", 4, endpoint="/api/career", status=503, response_time_ms=12)
    send(sender, "api_error", 60 * 30, level="error")
    sender.store({"event": "api_error", "level": "error", "user_id": "bob", "timestamp": NOW.isoformat()}, at=NOW)
    compact()

    found = ask()

    assert (found.event_count, found.failures, found.sessions, found.is_capped) == (4, 2, 2, False)
    assert found.known_since == (NOW - timedelta(hours=30)).date()
    assert [(kind.name, kind.severity, kind.event_count) for kind in found.kinds] == [
        ("ai_failure", "warning", 1),
        ("api_error", "error", 1),
    ]
    assert [(one.feature, one.uses, one.failures) for one in found.features] == [("career", 1, 1)]
    assert found.releases == ["lift@2", "lift@1"]
    answered, failed, *_ = found.events
    assert (answered.status, answered.duration_ms, answered.is_failure) == ("5xx", 12.0, False)
    assert (failed.message, failed.endpoint, failed.is_failure, failed.session_id) == (
        "boom",
        "/api/career",
        True,
        "s2",
    )
    assert failed.issue_id is not None
    assert found.events[2].ai_provider == "openai"


def test_filters_narrow_it(sender: Sender) -> None:
    send(sender, "api_error", 5, level="error", environment="production", release="lift@2")
    send(sender, "api_error", 5, level="error", environment="staging", release="lift@1")

    assert ask(environments=("staging",)).event_count == 1
    assert ask(release="lift@2").event_count == 1
    assert ask(environments=("staging",), release="lift@2").events == []
    assert ask(services=(sender.service.pk,)).event_count == 2
    assert ask(services=(sender.service.pk + 1,)).event_count == 0
    assert (
        ask(services=(sender.service.pk, sender.service.pk + 1), environments=("production", "staging")).event_count
        == 2
    )


def test_more_than_the_newest_events_are_not_added_up(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_events, "MOST_ADDED", 3)
    monkeypatch.setattr("dashboards.reports.user_timeline.MOST_ADDED", 3)
    for minutes in range(5):
        send(sender, "login", minutes)

    found = ask()

    assert (found.event_count, found.is_capped, len(found.events)) == (3, True, 5)


def test_it_reads_by_the_index_of_users(sender: Sender, django_assert_num_queries: Any) -> None:
    send(sender, "login", 3)
    with django_assert_num_queries(9) as asked:  # two readings with their savepoint and timeout each, and the first day
        ask(services=(sender.service.pk,))
    reading = [query["sql"] for query in asked.captured_queries if "events_event" in query["sql"]]

    assert len(reading) == 2
    for statement in reading:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {statement.replace('%', '%%')}")
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "user_hash_id_idx" in plan
        assert "Seq Scan on events_event" not in plan


@pytest.mark.parametrize(
    "before", ["", "nonsense", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
)
def test_any_key_gives_a_page(sender: Sender, before: str) -> None:
    send(sender, "login", 3)

    found = ask(before=before)

    assert len(found.events) == (0 if before.startswith("0000") else 1)


def test_a_user_nobody_heard_of_has_nothing(db: None) -> None:
    found = ask()

    assert (found.event_count, found.events, found.first_at, found.known_since, found.older) == (
        0,
        [],
        None,
        None,
        None,
    )
