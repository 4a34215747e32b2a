"""When a release came out: where the traffic is, not where it was tried first."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dashboards.reports.overview import overview
from dashboards.reports.question import Filters, Question
from dashboards.reports.releases import new_releases
from dashboards.reports.slowest_endpoints import slowest_endpoints
from dashboards.window import preset
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


def heard(sender: Sender, release: str, environment: str, *, hours: float, times: int = 1, **more: Any) -> None:
    at = NOW - timedelta(hours=hours)
    document = {
        "event": "api_response_time", "endpoint": "/api/jobs", "status": 200, "response_time_ms": 100,
        "release": release, "environment": environment, "timestamp": at.isoformat(), **more,
    }  # fmt: skip
    sender.store(*(document for _ in range(times)), at=at)
    compact()


def question(window: str = "7d", **filters: Any) -> Question:
    return Question(preset(window, NOW), NOW.tzinfo, Filters(**filters))  # type: ignore[arg-type]


def marks(asked: Question) -> list[tuple[str, str, float]]:
    """(release, environment, hours ago)"""
    return [
        (one.release, one.environment, round((NOW - one.first_seen_at) / timedelta(hours=1)))
        for one in new_releases(asked)
    ]


def test_a_release_came_out_when_production_had_it(sender: Sender) -> None:
    heard(sender, "lift@2", "staging", hours=30, times=9)
    heard(sender, "lift@2", "production", hours=6)

    assert marks(question()) == [("lift@2", "production", 6)]
    assert marks(question(environments=("staging",))) == [("lift@2", "staging", 30)]
    assert marks(question(release="lift@1")) == []


def test_what_only_staging_has_did_not_come_out(sender: Sender) -> None:
    heard(sender, "lift@1", "production", hours=400)
    heard(sender, "lift@2", "staging", hours=3)

    assert marks(question()) == []


def test_without_production_it_is_where_most_events_come_from(sender: Sender) -> None:
    heard(sender, "lift@2", "preview", hours=40)
    heard(sender, "lift@2", "eu", hours=20, times=3)
    heard(sender, "lift@2", "us", hours=10, times=2)

    assert marks(question()) == [("lift@2", "eu", 20)]
    # Of the last hour nothing is known: where anything came from last.
    assert marks(question("1h")) == []


def test_without_environments_a_release_comes_out_when_it_is_heard_of(sender: Sender) -> None:
    heard(sender, "lift@1", "", hours=5)

    assert marks(question()) == [("lift@1", "", 5)]


def test_each_service_has_an_environment_of_its_own(make_sender: Callable[[str], Sender]) -> None:
    api, web = make_sender("api"), make_sender("web")
    heard(api, "api@1", "staging", hours=9)
    heard(api, "api@1", "production", hours=8)
    heard(web, "web@1", "staging", hours=7)

    assert marks(question()) == [("api@1", "production", 8), ("web@1", "staging", 7)]
    assert marks(question(services=(web.service.pk,))) == [("web@1", "staging", 7)]


def test_the_last_releases_are_those_that_arrived(sender: Sender) -> None:
    heard(sender, "lift@1", "production", hours=100)
    heard(sender, "lift@2", "staging", hours=30)
    heard(sender, "lift@2", "production", hours=6)
    heard(sender, "lift@3", "staging", hours=1)

    lines = overview(question()).releases

    assert [(line.release, line.environment) for line in lines] == [("lift@2", "production"), ("lift@1", "production")]
    assert lines[0].first_seen_at == (NOW - timedelta(hours=6)).replace(second=0, microsecond=0)


def test_the_newest_release_is_compared_with_the_one_that_arrived_before(sender: Sender) -> None:
    heard(sender, "lift@2", "staging", hours=150)
    heard(sender, "lift@1", "production", hours=140, times=11)
    heard(sender, "lift@2", "production", hours=6, times=11)
    heard(sender, "lift@3", "staging", hours=5)

    (one,) = slowest_endpoints(question()).endpoints

    assert one.release is not None
    assert (one.release.newest, one.release.previous) == ("lift@2", "lift@1")


def test_nothing_came_out_where_nothing_was_heard_of(db: None) -> None:
    assert new_releases(question()) == []
