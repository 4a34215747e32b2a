"""One endpoint's report against the events themselves."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.reports.endpoint import endpoint_report
from dashboards.reports.question import Question
from dashboards.window import preset
from events.rollups import compact
from tests.dashboards.reports.random_events import ENDPOINTS, NOW, fill, questions
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
Say = Callable[..., list[dict[str, Any]]]
EVENTS = """
    SELECT occurred_at, name, severity, release, user_hash, duration_ms, (data ->> 'status')::int AS status
    FROM {events} WHERE endpoint = %(endpoint)s
"""


def _is_request(row: dict[str, Any]) -> bool:
    return bool(row["name"] == "api_response_time")


def _requests_and_failures(rows: list[dict[str, Any]]) -> tuple[int, int]:
    """As the report defines them."""
    errors = sum(not _is_request(row) and row["severity"] in ("error", "critical") for row in rows)
    bad = sum(_is_request(row) and (row["status"] or 0) >= 500 for row in rows)
    return sum(map(_is_request, rows)), max(errors, bad)


@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed)
    for question in questions(services):
        endpoint = ENDPOINTS[seed]
        rows = events_say(question, EVENTS, endpoint=endpoint)

        found = endpoint_report(question, endpoint=endpoint)

        for step in found.steps:
            inside = [row for row in rows if step.start <= row["occurred_at"] < step.end]
            assert (step.requests, step.failures) == _requests_and_failures(inside)
            assert step.latency.samples == sum(_is_request(row) and row["duration_ms"] is not None for row in inside)
        for release in found.releases:
            named = [row for row in rows if row["release"] == release.release]
            assert (release.requests, release.failures) == _requests_and_failures(named)
        failed = [
            row
            for row in rows
            if row["severity"] in ("error", "critical") or (_is_request(row) and (row["status"] or 0) >= 500)
        ]
        kinds = Counter((row["name"], row["severity"]) for row in failed)
        assert {(kind.name, kind.severity): kind.event_count for kind in found.kinds} == kinds
        users = Counter((name, severity) for name, severity, _ in {
            (row["name"], row["severity"], row["user_hash"]) for row in failed if row["user_hash"]
        })  # fmt: skip
        assert {(kind.name, kind.severity): kind.users_hurt for kind in found.kinds if kind.users_hurt} == users


def test_it_marks_the_releases_of_the_window(sender: Sender) -> None:
    for days, release in ((40, "lift@1"), (3, "lift@1"), (2, "lift@2")):
        document = {"event": "api_error", "severity": "error", "endpoint": "/api/jobs", "release": release}
        at = NOW - timedelta(days=days)
        sender.store({**document, "timestamp": at.isoformat()}, at=at)
    compact()

    found = endpoint_report(Question(preset("7d", NOW), ZoneInfo("UTC")), endpoint="/api/jobs")

    assert [(one.release, one.first_seen_at) for one in found.new_releases] == [
        ("lift@2", (NOW - timedelta(days=2)).replace(second=0, microsecond=0))
    ]


def test_it_is_empty_of_an_endpoint_that_nobody_knows(db: None) -> None:
    found = endpoint_report(Question(preset("24h", NOW), ZoneInfo("UTC")), endpoint="/nowhere")

    assert (found.services, found.kinds, found.releases) == ([], [], [])
    assert sum(step.requests for step in found.steps) == 0
