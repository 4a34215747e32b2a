"""A replay of a rule is what live judging, stepped by the minute, did with it."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from alerts.evaluation import judge_news, judge_windows
from alerts.models import Alert, AlertRule, Channel, Notification, Route
from alerts.replaying.found import Replay
from alerts.replaying.replay import replay
from events.models import Issue
from events.rollups import compact
from tests.alerts.test_evaluation import make_rule, pool_error, request
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
ENDPOINTS = ("/api/a", "/api/b", "/api/c")


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()


def minutes_ago(count: int) -> datetime:
    return timezone.now().astimezone(UTC).replace(second=0, microsecond=0) - count * MINUTE


def every_kind_of_rule() -> list[AlertRule]:
    waits: dict[str, Any] = {"for_seconds": 120, "recover_seconds": 180}
    return [
        make_rule(
            "threshold", parameters={"limit": 3, "window_seconds": 300}, severities=["error"], group_by=["endpoint"], **waits
        ),
        make_rule("threshold", parameters={"limit": 4, "window_seconds": 90}, names=["api_*"], recover_seconds=0),
        make_rule("threshold", parameters={"limit": 4, "window_seconds": 120}, group_by=["release"], recover_seconds=60),
        make_rule("threshold", parameters={"limit": 2, "window_seconds": 300, "measure": "users"}, group_by=["environment"]),
        make_rule(
            "threshold", parameters={"limit": 0.3, "window_seconds": 300, "measure": "failure_ratio", "least_volume": 4},
            group_by=["endpoint", "service"], recover_seconds=60,
        ),
        make_rule(
            "threshold", parameters={"limit": 0.5, "window_seconds": 600, "measure": "share", "least_volume": 3},
            names=["cache_performance"], tag="hit:false", recover_seconds=0,
        ),
        make_rule("latency", parameters={"limit_ms": 500, "window_seconds": 300, "least_volume": 3}, group_by=["endpoint"]),
        make_rule("latency", parameters={"limit_ms": 900, "window_seconds": 120, "least_volume": 1, "percentile": 50}, **waits),
        make_rule("spike", parameters={"window_seconds": 600, "times": 1.5, "least": 3, "least_history": 2}, recover_seconds=60),
        make_rule(
            "spike", parameters={"window_seconds": 300, "times": 1.2, "least": 1, "least_history": 2}, group_by=["endpoint"],
        ),
        make_rule("absence", parameters={"window_seconds": 180}, group_by=["service", "endpoint"], recover_seconds=0),
        make_rule("absence", parameters={"window_seconds": 240}, names=["cache_*"], recover_seconds=120),
        make_rule("burn_rate", parameters={"objective": 0.9, "least_volume": 5}, group_by=["environment"], recover_seconds=60),
        make_rule("event", severities=["critical"], group_by=["name", "environment"], recover_seconds=150),
        make_rule("event", names=["api_error"], tag="attempts>=3", recover_seconds=60),
        make_rule("event", severities=["critical"], for_seconds=60, recover_seconds=60),
        make_rule("new_issue", severities=["error"], recover_seconds=240),
        make_rule("regression", recover_seconds=60),
    ]  # fmt: skip


def stream(chance: random.Random, at: datetime, pace: float) -> Iterator[dict[str, Any]]:
    """Some events of one moment; a high pace is a storm."""
    for _ in range(int(chance.expovariate(1 / pace)) if pace else 0):
        more = {"timestamp": at.isoformat(), "environment": chance.choice(["production", "staging"])}
        more["release"] = chance.choice(["lift@1", "lift@2"])
        endpoint = chance.choice(ENDPOINTS)
        kind = chance.random()
        if kind < 0.4:
            status = 500 if chance.random() < 0.3 else 200
            yield request(endpoint, status, **more | {"duration_ms": chance.choice([40, 300, 800, 2000])})
        elif kind < 0.7:
            said = chance.choice(["upstream is gone", "no answer", "bad gateway"])
            yield {
                "event": "api_error", "endpoint": endpoint, "message": said, "user_id": f"u{chance.randrange(4)}",
                "attempts": chance.randrange(5), **more,
            }  # fmt: skip
        elif kind < 0.8:
            yield pool_error(**more)
        else:
            yield {"event": "cache_performance", "key": "jobs:1", "hit": chance.random() < 0.5, **more}


@pytest.mark.parametrize("seed", range(2))
def test_it_decides_as_live_judging_does(sender: Sender, seed: int) -> None:
    chance = random.Random(seed)
    rules = every_kind_of_rule()
    start, length = minutes_ago(70), 60
    # Of any day at least two that are alike: working days, or weekend days.
    for days in (1, 2, 6, 7, 8):
        for minute in range(-10, length, 5):
            at = start - timedelta(days=days) + minute * MINUTE
            sender.store(*stream(chance, at, 1), at=at)
    judge_news(now=start - timedelta(hours=12))
    judge_windows(now=start - timedelta(hours=1))
    Alert.objects.all().delete()

    pace = 1.0
    for minute in range(length):
        if chance.random() < 0.15:
            pace = chance.choice([0, 0.5, 2, 4])
        for second in (10, 40):
            at = start + minute * MINUTE + timedelta(seconds=second)
            sender.store(*stream(chance, at, pace), at=at)
            judge_news(now=at)
        if chance.random() < 0.1:
            for issue in Issue.objects.filter(status="unresolved"):
                issue.resolve(by=None, at=start + minute * MINUTE + timedelta(seconds=50))
        if chance.random() < 0.3:
            compact()
        judge_windows(now=start + (minute + 1) * MINUTE)

    until = start + length * MINUTE
    never = []
    for rule in rules:
        replayed = replay(rule, since=start, until=until)
        told = f"seed {seed}: {rule.condition} {rule.parameters} {rule.names}"
        assert not replayed.refusal, told
        assert as_replayed(replayed) == as_stored(rule), told
        brief = rule.alerts.filter(fired_at=None, state="resolved").count()
        assert replayed.brief_count == brief, told
        never += [] if replayed.alerts else [told]
    # Nothing is proved by what never fires.
    assert len(never) < 3, never


def as_replayed(replayed: Replay) -> list[Any]:
    return sorted(
        (sorted(one.labels.items()), one.started_at, one.fired_at, str(one.resolved_at)) for one in replayed.alerts
    )


def as_stored(rule: AlertRule) -> list[Any]:
    return sorted(
        (sorted(one.labels.items()), one.started_at, one.fired_at, str(one.resolved_at))
        for one in rule.alerts.exclude(fired_at=None)
    )


def test_a_rule_need_not_be_saved(sender: Sender) -> None:
    at = minutes_ago(30)
    sender.store(*(pool_error(timestamp=at.isoformat()) for _ in range(5)), at=at)
    rule = AlertRule(
        name="x", severity="error", condition="threshold", parameters={"limit": 5, "window_seconds": 300}, recover_seconds=120
    )  # fmt: skip

    found = replay(rule, since=at - timedelta(days=1), until=minutes_ago(0))

    (alert,) = found.alerts
    assert alert.fired_at == at + MINUTE
    # Five minutes in the window, and then two without.
    assert alert.resolved_at == at + 7 * MINUTE
    assert (alert.worst.value, alert.worst.threshold) == (5, 5)
    assert alert.worst.sentence == "5 events in 5 minutes, limit 5."
    assert not AlertRule.objects.exists()
    assert not Alert.objects.exists()
    assert not Notification.objects.exists()


def test_the_points_are_the_worst_of_each_hour(sender: Sender) -> None:
    at = minutes_ago(300)
    sender.store(*(pool_error(timestamp=at.isoformat()) for _ in range(4)), at=at)
    rule = AlertRule(name="x", severity="error", condition="threshold", parameters={"limit": 5, "window_seconds": 60})

    found = replay(rule, since=at - timedelta(hours=10), until=minutes_ago(0))

    assert {point.value for point in found.points} == {0, 4}
    assert {point.threshold for point in found.points} == {5}
    highest = next(point for point in found.points if point.value == 4)
    assert highest.start <= at < highest.start + timedelta(hours=1)
    assert not found.alerts


def test_response_times_are_kept_for_a_week_and_it_says_so(sender: Sender) -> None:
    now = minutes_ago(0)
    for days in (10, 3):
        at = now - timedelta(days=days)
        sender.store(request("/api/a", 200, timestamp=at.isoformat()), at=at)
    compact()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM events_bucket_minutes WHERE minute < %s", [now - timedelta(days=8)])
    rule = AlertRule(name="x", severity="error", condition="latency", parameters={"limit_ms": 1, "window_seconds": 600})

    found = replay(rule, since=now - timedelta(days=14), until=now)

    assert found.since == now - timedelta(days=3) + 10 * MINUTE
    assert found.note.startswith("Response times are kept by the minute since")
    assert replay(rule, since=now - timedelta(days=14), until=now - timedelta(days=4)).refusal


def test_messages_are_those_of_the_routes(sender: Sender) -> None:
    for name in ("One", "Two"):
        route, _ = Route.objects.get_or_create(position=1, name="All")
        route.channels.add(Channel.objects.create(name=name, kind="email", sealed_settings=""))
    at = minutes_ago(200)
    sender.store(pool_error(timestamp=at.isoformat()), at=at)
    rule = AlertRule(name="x", severity="critical", condition="event", recover_seconds=6000, repeat_seconds=3000)

    found = replay(rule, since=at - MINUTE, until=minutes_ago(0))

    # To each of two channels: that it fires, two reminders, and that it is over.
    assert found.message_count == 8


def test_it_reads_in_few_questions(sender: Sender, django_assert_num_queries: Any) -> None:
    sender.store(pool_error())
    rule = AlertRule(name="x", severity="error", condition="threshold", parameters={"limit": 1, "window_seconds": 60})
    with django_assert_num_queries(8):  # two of a savepoint
        replay(rule, since=minutes_ago(600), until=minutes_ago(-1))
