"""Feature adoption against the events themselves."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.reports.feature_adoption import FeatureAdoption, feature_adoption
from dashboards.reports.question import Question
from dashboards.window import preset
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
Say = Callable[..., list[dict[str, Any]]]
EVENTS = """
    SELECT name, severity, occurred_at, user_hash, duration_ms, coalesce(data ->> 'feature', '') AS feature FROM {events}
"""
FAILED = ("critical", "error", "warning")


@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed)
    for question in questions(services):
        rows, before = events_say(question, EVENTS), events_say(question, EVENTS, before=True)

        found = feature_adoption(question)

        uses = [row for row in rows if row["name"] == "feature_used"]
        active = {row["user_hash"] for row in rows} - {""}
        users = {row["user_hash"] for row in uses} - {""}
        assert (found.adoption.count, found.adoption.total) == (len(users), len(active))
        for step in found.steps:
            assert step.usage_count == sum(step.start <= row["occurred_at"] < step.end for row in uses)
        _check_features(found, rows, before, len(active))
        assert not {one.feature for one in found.unused} & {row["feature"] for row in uses}


def _check_features(
    found: FeatureAdoption, rows: list[dict[str, Any]], before: list[dict[str, Any]], active: int
) -> None:
    by_feature: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_feature[row["feature"]].append(row)
    used_before = Counter(row["feature"] for row in before if row["name"] == "feature_used")
    used = {row["feature"] for row in rows if row["name"] == "feature_used"}
    assert {one.feature for one in found.features} == used
    for one in found.features:
        uses = [row for row in by_feature[one.feature] if row["name"] == "feature_used"]
        users = {row["user_hash"] for row in uses} - {""}
        timed = [row["duration_ms"] / 1000 for row in uses if row["duration_ms"] is not None]
        failed = [row for row in by_feature[one.feature] if row["severity"] in FAILED]
        assert (one.usage_count, one.unique_users, one.uses.before) == (len(uses), len(users), used_before[one.feature])
        assert one.avg_duration_seconds == (pytest.approx(sum(timed) / len(timed)) if timed else None)
        assert (one.adoption.count, one.adoption.total) == (len(users), active)
        if one.feature:
            assert one.failures == len(failed)
            assert one.users_hurt == len({row["user_hash"] for row in failed} - {""})


def use(sender: Sender, user: str, *, days: float, feature: str = "career", **data: Any) -> None:
    at = NOW - timedelta(days=days)
    document = {
        "event": "feature_used",
        "data": {"feature": feature, "user_id": user, **data},
        "timestamp": at.isoformat(),
    }
    sender.store(document, at=at)


def test_first_users_are_those_who_had_not_used_it_in_the_three_months_before(sender: Sender) -> None:
    use(sender, "old", days=20)
    for user in ("old", "new", "newer"):
        use(sender, user, days=2)
    use(sender, "long ago", days=99)
    use(sender, "long ago", days=1)
    compact()

    (career,) = feature_adoption(Question(preset("7d", NOW), ZoneInfo("UTC"))).features

    # Times so far back are mended to their arrival, which is theirs here.
    assert (career.first_use.count, career.first_use.total) == (3, 4)


def test_a_feature_that_nobody_uses_any_more_is_told_with_its_last_day(sender: Sender) -> None:
    use(sender, "anna", days=12, feature="mock_interview")
    use(sender, "anna", days=1)
    sender.store(
        {"event": "ai_failure", "level": "warn", "data": {"feature": "essay"}, "timestamp": NOW.isoformat()}, at=NOW
    )
    compact()

    unused = feature_adoption(Question(preset("7d", NOW), ZoneInfo("UTC"))).unused

    assert {(one.feature, one.last_used_on, one.failures) for one in unused} == {
        ("mock_interview", (NOW - timedelta(days=12)).date(), 0), ("essay", None, 1),
    }  # fmt: skip


def test_those_who_come_back_are_told_by_the_week_of_their_first_use(sender: Sender) -> None:
    # NOW is a Monday: weeks begin at its midnight.
    for user, weeks in (("anna", (3, 2, 1)), ("ben", (3,)), ("cora", (2, 1))):
        for week in weeks:
            use(sender, user, days=7 * week)
    compact()

    cohorts = feature_adoption(Question(preset("30d", NOW), ZoneInfo("UTC"))).cohorts

    told = {
        cohort.start.astimezone(UTC).date(): [(one.week, one.share.count) for one in cohort.returns if one.is_over]
        for cohort in cohorts
        if cohort.users
    }
    monday = NOW.date()
    assert told[monday - timedelta(weeks=3)] == [(1, 1), (2, 1)]
    assert told[monday - timedelta(weeks=2)] == [(1, 1)]


def test_it_is_empty_without_events(db: None) -> None:
    found = feature_adoption(Question(preset("7d", NOW), ZoneInfo("UTC")))

    assert (found.features, found.unused, found.adoption.share) == ([], [], None)
