"""A replay of a rule of cascades is what live judging did in a fortnight."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from alerts.evaluation import judge_windows
from alerts.judging.cascading import usual_by_place
from alerts.models import AlertRule, Route
from alerts.replaying.replay import replay
from events.rollups import compact
from tests.alerts.test_evaluation import make_rule, request
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ENDPOINTS = [f"/api/{place}" for place in range(7)]


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()
    usual_by_place.cache_clear()


def traffic(
    chance: random.Random, at: datetime, failing: dict[str, float], *, each: int = 3
) -> Iterator[dict[str, Any]]:
    """Of one moment: each endpoint's requests, and of those that fail the share that does, told one way or the other."""
    for endpoint in ENDPOINTS:
        for _ in range(each):
            more = {"timestamp": (at + timedelta(seconds=chance.random() * 15)).isoformat(), "release": "lift@1"}
            more["environment"] = "staging" if endpoint == "/api/6" else "production"
            if chance.random() >= failing.get(endpoint, 0.004):
                yield request(endpoint, 200, **more)
            elif chance.random() < 0.5:
                yield request(endpoint, 500, **more)
            else:
                yield {"event": "api_error", "endpoint": endpoint, "message": "gone", "ai_provider": "openai", **more}


def trouble(chance: random.Random, minute: int, now: dict[str, float]) -> dict[str, float]:
    """What fails from the minute on: nothing in the first and in the last ones, so that each stretch is whole."""
    if minute < 3 or minute >= 18:
        return {}
    if chance.random() < 0.25:
        return dict.fromkeys(chance.sample(ENDPOINTS, chance.choice([0, 1, 3, 4, 6])), chance.choice([0.3, 0.9]))
    return now


@pytest.mark.parametrize("seed", range(2))
def test_it_decides_as_live_judging_does(sender: Sender, seed: int) -> None:
    chance = random.Random(seed)
    rules = [
        make_rule("cascade", parameters={}, recover_seconds=60),
        make_rule("cascade", parameters={"endpoints": 2, "window_seconds": 120}, recover_seconds=0, for_seconds=60),
        make_rule("cascade", parameters={"endpoints": 3}, group_by=["environment", "service"], recover_seconds=120),
        make_rule("cascade", parameters={"endpoints": 2}, environments=["production"], endpoints=["/api/1", "/api/2", "/api/3"]),
    ]  # fmt: skip
    until = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0) - HOUR
    since = until - 14 * DAY
    for hours in range(-24, 14 * 24, 8):
        at = since + hours * HOUR
        sender.store(*traffic(chance, at, {}, each=2), at=at)
        if hours in (48, 160, 296):
            compact()
            failing: dict[str, float] = {}
            for minute in range(30):
                failing = trouble(chance, minute, failing)
                for second in (5, 35):
                    moment = at + 2 * HOUR + minute * MINUTE + timedelta(seconds=second)
                    sender.store(*traffic(chance, moment, failing), at=moment + timedelta(seconds=20))
                judge_windows(now=at + 2 * HOUR + (minute + 1) * MINUTE)

    for rule in rules:
        found = replay(rule, since=since, until=until)
        assert not found.refusal
        told = [
            (one.labels, one.started_at, one.fired_at, one.resolved_at, one.evidence)
            for one in found.alerts
        ]  # fmt: skip
        alerts = rule.alerts.exclude(fired_at=None).order_by("fired_at", "labels")
        assert told == [(one.labels, one.started_at, one.fired_at, one.resolved_at, one.evidence) for one in alerts]
        assert found.brief_count == rule.alerts.filter(fired_at=None).count()
        # Nothing is proved by what never fires.
        assert found.alerts, rule.parameters


def test_events_that_are_gone_leave_minutes_to_judge_by(sender: Sender) -> None:
    chance = random.Random(1)
    at = timezone.now().replace(second=0, microsecond=0) - 3 * HOUR
    for minute in range(8):
        moment = at + minute * MINUTE
        failing = dict.fromkeys(ENDPOINTS, 0.9) if minute > 2 else {}
        sender.store(*traffic(chance, moment, failing, each=6), at=moment + timedelta(seconds=20))
    rule = AlertRule(name="x", severity="critical", condition="cascade", parameters={})
    whole = replay(rule, since=at, until=at + 2 * HOUR)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM events_event")

    (alert,) = replay(rule, since=at, until=at + 2 * HOUR).alerts

    assert [one.labels for one in whole.alerts] == [alert.labels]
    assert alert.evidence["members"]
    assert "fail together" in alert.worst.sentence


def test_the_points_are_how_many_fail_beyond_what_is_usual(sender: Sender) -> None:
    chance = random.Random(1)
    at = timezone.now().replace(second=0, microsecond=0) - 3 * HOUR
    sender.store(*traffic(chance, at, dict.fromkeys(ENDPOINTS[:2], 1.0), each=9), at=at + timedelta(seconds=20))
    rule = AlertRule(name="x", severity="critical", condition="cascade", parameters={})

    found = replay(rule, since=at - HOUR, until=at + HOUR)

    assert not found.alerts
    assert {(point.value, point.threshold) for point in found.points} >= {(2.0, 3.0)}


def test_it_costs_few_questions_where_nothing_fails_together(
    sender: Sender, django_assert_max_num_queries: Any
) -> None:
    chance = random.Random(1)
    at = timezone.now().replace(second=0, microsecond=0) - 3 * HOUR
    for minute in range(60):
        moment = at + minute * MINUTE
        sender.store(*traffic(chance, moment, {}, each=1), at=moment + timedelta(seconds=20))
    rule = AlertRule(name="x", severity="critical", condition="cascade", parameters={})
    with django_assert_max_num_queries(10):
        replay(rule, since=at - HOUR, until=at + 2 * HOUR)
