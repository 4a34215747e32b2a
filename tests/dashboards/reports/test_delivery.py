"""Delivery and consistency against the events themselves."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.reports.delivery import delivery, fallback_due
from dashboards.reports.question import Question
from dashboards.statistics import share_of
from dashboards.window import preset
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

Say = Callable[..., list[dict[str, Any]]]
FAILED = ("critical", "error", "warning")


def _channel(name: str) -> str:
    return next((word for word in ("formspree", "mail", "notification", "sms", "webhook") if word in name), "")


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed)
    for question in questions(services):
        plain = events_say(
            question,
            "SELECT service_id, name, severity, occurred_at, user_hash, release, coalesce(data ->> 'reason', '') AS reason, "
            "coalesce(data ->> 'record', '') AS record FROM {events}",
        )
        messages = [row for row in plain if _channel(row["name"])]
        failed = [row for row in messages if row["severity"] in FAILED]
        wrong = [row for row in plain if row["name"] == "data_consistency_error"]

        found = delivery(question)

        told = {
            one.channel: (one.failures, one.successes, one.users_hurt)
            for one in found.channels
            if one.failures or one.successes
        }
        assert told == {
            channel: (
                sum(_channel(row["name"]) == channel for row in failed),
                sum(_channel(row["name"]) == channel and row["severity"] == "info" for row in messages),
                len({row["user_hash"] for row in failed if _channel(row["name"]) == channel and row["user_hash"]}),
            )
            for channel in {_channel(row["name"]) for row in messages}
        }
        last_day = max(question.window.start, question.window.end - timedelta(hours=24))
        for one in found.channels:
            hours = {
                row["occurred_at"].astimezone(question.zone).strftime("%j %H")
                for row in failed
                if _channel(row["name"]) == one.channel and row["occurred_at"] >= last_day
            }
            # The first hour of the day and the last one may be of the same clock hour, a day apart.
            assert one.failing_hours == len(hours)
        for line in found.over_time:
            times = [row["occurred_at"] for row in failed if _channel(row["name"]) == line.channel]
            assert line.failures == [sum(step.start <= at < step.end for at in times) for step in question.steps]
        events = {(one.service_id, one.name, one.severity, one.reason): one.events for one in found.failures}
        assert events == Counter((row["service_id"], row["name"], row["severity"], row["reason"]) for row in failed)
        records = {(one.service_id, one.record): one.events for one in found.inconsistencies}
        assert records == Counter((row["service_id"], row["record"]) for row in wrong)
        for other in found.inconsistencies:
            of_record = [row for row in wrong if (row["service_id"], row["record"]) == (other.service_id, other.record)]
            assert other.users_hurt == len({row["user_hash"] for row in of_record} - {""})
            assert other.first_release in {row["release"] for row in of_record}


@pytest.mark.django_db
def test_it_names_the_release_that_first_told_of_it(sender: Sender) -> None:
    for hours, release in ((20, "lift@9"), (10, "lift@10"), (2, "")):
        at = NOW - timedelta(hours=hours)
        document = {"event": "data_consistency_error", "severity": "WARNING", "record": "profile", "release": release}
        sender.store({**document, "timestamp": at.isoformat()}, at=at)
    compact()

    (found,) = delivery(Question(preset("24h", NOW), ZoneInfo("UTC"))).inconsistencies

    assert (found.record, found.events, found.first_release) == ("profile", 3, "lift@9")


@pytest.mark.django_db
def test_the_rate_is_known_when_successes_are_told(sender: Sender) -> None:
    for name, severity, count in (
        ("formspree_failure", "warning", 4),
        ("formspree_sent", "info", 36),
        ("sms_failed", "error", 1),
    ):
        sender.store(
            *({"event": name, "severity": severity, "timestamp": NOW.isoformat()} for _ in range(count)), at=NOW
        )
    compact()

    found = {one.channel: one for one in delivery(Question(preset("24h", NOW), ZoneInfo("UTC"))).channels}

    assert (found["formspree"].rate.share, found["formspree"].fallback) == (0.1, "due")
    assert (found["sms"].rate.share, found["sms"].fallback) == (None, "watch")


@pytest.mark.parametrize(
    ("failed", "sent", "hours", "verdict"),
    [
        (0, 500, 0, "not_due"),
        (1, 500, 1, "watch"),
        (40, 500, 1, "due"),
        (3, 5000, 3, "due"),
        (3, 0, 2, "watch"),
        (3, 0, 3, "due"),
    ],
)
def test_a_fallback_is_due_by_rate_or_by_hours(failed: int, sent: int, hours: int, verdict: str) -> None:
    rate = share_of(failed, failed + sent) if sent else share_of(0, 0)

    assert fallback_due(rate, failures=failed, failing_hours=hours)[0] == verdict


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 24))
def test_more_failures_never_make_a_fallback_less_due(failed: int, sent: int, hours: int) -> None:
    order = ["not_due", "watch", "due"]

    def verdict(failures: int) -> int:
        rate = share_of(failures, failures + sent) if sent else share_of(0, 0)
        return order.index(fallback_due(rate, failures=failures, failing_hours=hours)[0])

    assert verdict(failed) <= verdict(failed + 1)


@pytest.mark.django_db
def test_it_is_empty_without_events() -> None:
    found = delivery(Question(preset("24h", NOW), ZoneInfo("UTC")))

    assert (found.channels, found.failures, found.over_time, found.inconsistencies) == ([], [], [], [])
