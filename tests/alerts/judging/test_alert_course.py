"""What a rule counted over time ends where its judgement stands."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.evaluation import judge_news, judge_windows
from alerts.judging.alert_course import Course, course_of
from alerts.models import Alert, AlertRule
from events.rollups import compact
from tests.alerts.test_evaluation import make_rule, pool_error, request
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()


@pytest.fixture(params=["as they came", "folded"])
def fold(request: pytest.FixtureRequest) -> Any:
    """Counts are the same before and after they are folded."""
    return compact if request.param == "folded" else lambda: None


def judged(now: datetime) -> tuple[Alert, Course]:
    judge_windows(now=now)
    alert = Alert.objects.get()
    course = course_of(alert, now=now)
    assert course is not None
    return alert, course


@pytest.mark.parametrize(
    ("measure", "limit", "noun", "unit"),
    [
        ("events", 3, "events in 5 minutes", ""),
        ("users", 2, "users hurt in 5 minutes", ""),
        ("share", 0.1, "share of events in 5 minutes", "share"),
    ],
)
def test_of_a_threshold_it_ends_with_what_was_judged(
    sender: Sender, fold: Any, measure: str, limit: float, noun: str, unit: str
) -> None:
    make_rule("threshold", parameters={"measure": measure, "limit": limit, "window_seconds": 300}, names=["api_*"])
    now = timezone.now()
    for ago, user in ((0, "a"), (1, "b"), (2, "a"), (3, "c"), (20, "d")):
        sender.store({"event": "api_error", "user_id": user, "timestamp": (now - ago * MINUTE).isoformat()})
    fold()

    alert, course = judged(now)

    assert course.values[-1] == alert.value
    assert (course.threshold, course.noun, course.unit) == (limit, noun, unit)
    if measure == "events":
        assert [value for value in course.values if value][-4:] == [1, 2, 3, 4]
        assert course.values[-21:][:5] == (1, 1, 1, 1, 1)
    assert course.steps[-1][0] <= now < course.steps[-1][1]


def test_of_failed_requests_it_counts_both_ways_of_telling_one(sender: Sender, fold: Any) -> None:
    make_rule("threshold", parameters={"measure": "failure_ratio", "limit": 0.2, "window_seconds": 600})
    sender.store(
        *(request("/a", 500 if place < 3 else 200) for place in range(10)), {"event": "api_error", "endpoint": "/a"}
    )
    fold()

    alert, course = judged(timezone.now())

    assert course.values[-1] == alert.value == pytest.approx(0.3)
    assert course.unit == "share"
    assert course.values[0] is None  # too little to judge by


def test_of_response_times_it_is_the_percentile_of_the_window(sender: Sender, fold: Any) -> None:
    make_rule("latency", parameters={"limit_ms": 100, "percentile": 95, "window_seconds": 600, "least_volume": 5},
              group_by=["endpoint"])  # fmt: skip
    sender.store(*(request("/slow", 200, duration_ms=900 + place) for place in range(9)), *(request("/fast", 200),) * 9)
    fold()

    alert, course = judged(timezone.now())

    assert alert.labels == {"endpoint": "/slow"}
    assert course.values[-1] == alert.value
    assert (course.threshold, course.unit, course.noun) == (100, "ms", "p95 in 10 minutes")


def test_of_absence_it_is_the_time_since_the_last_event(sender: Sender, fold: Any) -> None:
    make_rule("absence", parameters={"window_seconds": 600})
    now = timezone.now()
    sender.store({"event": "heartbeat", "severity": "info", "timestamp": (now - 15 * MINUTE).isoformat()})
    fold()

    alert, course = judged(now)

    assert alert.value is not None
    assert course.values[-1] == pytest.approx(1000 * alert.value, abs=60_000)
    assert course.threshold == 600_000
    assert course.values[-17:-14] == (None, 0, 60_000)  # before it, in its minute, and in the one after


def test_of_a_burning_budget_it_is_how_many_times_too_fast(sender: Sender, fold: Any) -> None:
    make_rule("burn_rate", parameters={"objective": 0.99, "least_volume": 10})
    sender.store(*(request("/a", 500 if place < 10 else 200) for place in range(20)))
    fold()

    alert, course = judged(timezone.now())

    assert course.values[-1] == pytest.approx(alert.value)
    assert course.threshold == alert.threshold == 14.4


def test_of_a_spike_it_is_the_count_against_what_it_fired_at(sender: Sender) -> None:
    rule = make_rule("spike", parameters={"window_seconds": 300})
    now = timezone.now()
    sender.store(*({"event": "api_error"} for _ in range(4)))
    alert = Alert.objects.create(
        rule=rule, group_key="x", state="firing", severity="critical", started_at=now, fired_at=now, held_at=now,
        judged_at=now, summary="s", value=4, threshold=2,
    )  # fmt: skip

    course = course_of(alert, now=now)

    assert course is not None
    assert (course.values[-1], course.threshold) == (4, 2)


def test_of_events_it_counts_those_of_each_step_and_of_the_group_alone(sender: Sender, fold: Any) -> None:
    make_rule(severities=["critical"], group_by=["name"])
    sender.store(pool_error(), pool_error(), {"event": "other", "severity": "WARNING"})
    judge_news(now=timezone.now())
    fold()

    course = course_of(Alert.objects.get(), now=timezone.now())

    assert course is not None
    assert sum(value or 0 for value in course.values) == 2
    assert course.is_counted_by_step
    assert course.threshold is None


def test_of_an_issue_it_counts_by_the_hour(sender: Sender) -> None:
    make_rule("new_issue", severities=["error"])
    sender.store({"event": "api_error", "message": "it broke"})
    judge_news(now=timezone.now())

    course = course_of(Alert.objects.get(), now=timezone.now())

    assert course is not None
    assert sum(value or 0 for value in course.values) == 1
    assert {end - start for start, end in course.steps} == {timedelta(hours=1)}


def test_a_long_one_shows_its_last_day_in_few_steps_and_an_old_one_nothing(sender: Sender) -> None:
    rule = make_rule("threshold", parameters={"limit": 1, "window_seconds": 300})
    now = timezone.now()
    alert = Alert.objects.create(
        rule=rule, group_key="x", state="firing", severity="critical", started_at=now - timedelta(days=9), held_at=now,
        judged_at=now, summary="s",
    )  # fmt: skip

    course = course_of(alert, now=now)
    assert course is not None
    assert len(course.steps) == 96
    assert course.steps[-1][1] - course.steps[0][0] == timedelta(days=1)

    alert.started_at, alert.resolved_at = now - timedelta(days=60), now - timedelta(days=59)
    assert course_of(alert, now=now) is None


def test_of_a_cascade_it_is_how_many_endpoints_had_fallen() -> None:
    rule = make_rule("cascade", parameters={"endpoints": 3, "window_seconds": 300})
    now = timezone.now()
    members = [{"endpoint": f"/{ago}", "began_at": (now - ago * MINUTE).isoformat()} for ago in (9, 8, 2)]
    alert = Alert.objects.create(
        rule=rule, group_key="x", state="firing", severity="critical", started_at=now, fired_at=now, held_at=now,
        judged_at=now, summary="s", evidence={"members": members},
    )  # fmt: skip

    course = course_of(alert, now=now)

    assert course is not None
    assert [course.values[place] for place in (-11, -10, -9, -3, -1)] == [0, 1, 2, 3, 3]
    assert course.threshold == 3
