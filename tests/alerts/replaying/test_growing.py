"""A replay of a rule about escalating issues is what live judging did in a fortnight."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from alerts.evaluation import judge_windows
from alerts.models import AlertRule, Route
from alerts.replaying.replay import replay
from events.models import Issue
from events.rollups import compact
from tests.alerts.test_evaluation import make_rule
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SAID = ("upstream is gone", "no answer", "bad gateway")


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()


def come(sender: Sender, at: datetime, counts: dict[str, int]) -> None:
    events: list[dict[str, Any]] = [
        {"event": "api_error", "message": said, "timestamp": at.isoformat()} for said, count in counts.items() for _ in range(count)
    ]  # fmt: skip
    sender.store(*events, at=at + timedelta(seconds=1))


@pytest.mark.parametrize("seed", range(2))
def test_it_decides_as_live_judging_does(sender: Sender, seed: int) -> None:
    chance = random.Random(seed)
    rules = [
        make_rule("escalating", parameters={"times": 2, "least": 10}, recover_seconds=300),
        make_rule("escalating", parameters={"times": 1.5, "least": 6}, severities=["error"], recover_seconds=0, for_seconds=120),
        make_rule("escalating", parameters={"times": 9, "least": 4}, names=["api_*"], endpoints=["/nowhere"]),
    ]  # fmt: skip
    until = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0) - 2 * HOUR
    since = until - 14 * DAY
    for hours in range(-30, 14 * 24, 5):
        at = since + hours * HOUR
        come(sender, at, {said: chance.randrange(3) for said in SAID[: 2 if hours < 100 else 3]})
        if hours in (50, 120, 300):
            compact()
            _judge_for_a_while(sender, chance, at + HOUR + 40 * MINUTE)

    for rule in rules:
        found = replay(rule, since=since, until=until)
        assert not found.refusal
        told = [(one.labels, one.started_at, one.fired_at, one.resolved_at, one.evidence) for one in found.alerts]
        alerts = sorted(rule.alerts.exclude(fired_at=None), key=lambda one: (one.fired_at, sorted(one.labels.items())))
        assert told == [(one.labels, one.started_at, one.fired_at, one.resolved_at, one.evidence) for one in alerts]
        assert found.brief_count == rule.alerts.filter(fired_at=None).count()
        # Nothing is proved by what never fires.
        assert found.alerts, rule.parameters


def _judge_for_a_while(sender: Sender, chance: random.Random, start: datetime) -> None:
    """Over two full hours: bursts, and issues that are resolved or muted; quiet at last, so that each stretch is whole."""
    for minute in range(88):
        at = start + minute * MINUTE
        if minute < 60 and chance.random() < 0.4:
            come(sender, at + timedelta(seconds=20), {said: chance.choice([0, 1, 6, 20]) for said in SAID[:2]})
        if chance.random() < 0.05:
            for issue in Issue.objects.filter(status="unresolved"):
                issue.resolve(by=None, at=at + timedelta(seconds=40))
        if chance.random() < 0.05:
            for issue in Issue.objects.exclude(status="muted")[:1]:
                issue.mute(by=None, at=at + timedelta(seconds=40))
        elif chance.random() < 0.1:
            for issue in Issue.objects.filter(status="muted"):
                issue.reopen(by=None, at=at + timedelta(seconds=40))
        if chance.random() < 0.2:
            compact()
        judge_windows(now=at + MINUTE)


def filled(sender: Sender) -> datetime:
    """Two days of two events an hour, and thirty in twenty minutes; the start of their hour."""
    hour = timezone.now().astimezone(UTC).replace(minute=0, second=0, microsecond=0) - 5 * HOUR
    for ago in range(48, 0, -1):
        come(sender, hour - ago * HOUR, {SAID[0]: 2})
    for minute in range(20):
        come(sender, hour + minute * MINUTE, {SAID[0]: 2})
    return hour


def test_the_events_tell_when_in_the_hour_it_was_too_much(sender: Sender) -> None:
    hour = filled(sender)
    rule = AlertRule(name="x", severity="error", condition="escalating", parameters={}, recover_seconds=60)

    (alert,) = replay(rule, since=hour - DAY, until=hour + 3 * HOUR).alerts

    # More than 20, of which two come each minute.
    assert alert.fired_at == hour + 11 * MINUTE
    assert alert.resolved_at == hour + HOUR
    assert (alert.worst.value, alert.worst.threshold) == (40, 20)
    assert "upstream is gone" in alert.worst.sentence


def test_events_that_are_gone_count_at_the_end_of_their_hour(sender: Sender) -> None:
    hour = filled(sender)
    compact()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM events_event")
    rule = AlertRule(name="x", severity="error", condition="escalating", parameters={}, recover_seconds=60)

    (alert,) = replay(rule, since=hour - DAY, until=hour + 3 * HOUR).alerts

    assert alert.fired_at == hour + 59 * MINUTE


def test_it_reads_in_few_questions(sender: Sender, django_assert_max_num_queries: Any) -> None:
    hour = filled(sender)
    rule = AlertRule(name="x", severity="error", condition="escalating", parameters={})
    with django_assert_max_num_queries(7):
        replay(rule, since=hour - DAY, until=hour + 3 * HOUR)
