from collections.abc import Callable
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.asking import narrowed
from dashboards.reports.endpoint import endpoint_report
from dashboards.reports.failure_rates import failure_rates
from dashboards.reports.question import Question
from dashboards.reports.top_errors import top_errors
from dashboards.reports.user_impact import UserImpact, user_impact
from dashboards.window import preset
from events.ingest.configured_scrubber import scrubber
from events.rollup_tables import FAILURES
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
Say = Callable[..., list[dict[str, Any]]]
SUBJECTS: tuple[dict[str, str], ...] = (
    {},
    {"endpoint": "/api/subscription/checkout"},
    {"endpoint": "/api/career", "name": "api_timeout"},
    {"endpoint": "/api/jobs", "name": "api_response_time", "severity": "info"},
    {"name": "ai_failure", "feature": "career"},
    {"severity": "warning"},
    {"feature": "flashcards"},
    {"name": "no such event"},
)
# What happened to users, and whether it counts as a failure, said plainly.
FAILED = """
    CASE WHEN %(endpoint)s = '' THEN severity IN ('critical', 'error', 'warning')
    ELSE endpoint = %(endpoint)s AND (
        name <> 'api_response_time' AND severity IN ('critical', 'error')
        OR name = 'api_response_time' AND (data ->> 'status')::int >= 500) END
    AND (%(name)s = '' OR name = %(name)s) AND (%(severity)s = '' OR severity = %(severity)s)
    AND (%(feature)s = '' OR data ->> 'feature' = %(feature)s)
"""
ACTIVE = "(%(endpoint)s = '' OR endpoint = %(endpoint)s) AND (%(feature)s = '' OR data ->> 'feature' = %(feature)s)"
USERS = "count(DISTINCT nullif(user_hash, ''))"
COUNTED = """CASE WHEN %(endpoint)s = '' THEN count(*) ELSE
    greatest(count(*) FILTER (WHERE name = 'api_response_time'), count(*) FILTER (WHERE name <> 'api_response_time')) END"""


@pytest.mark.parametrize("number", range(len(SUBJECTS)))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, number: int) -> None:
    services = fill(make_sender, seed=number)
    subjects = SUBJECTS[number]
    asked = {"endpoint": "", "name": "", "severity": "", "feature": "", **subjects}

    def say(question: Question, statement: str, *, before: bool = False) -> list[dict[str, Any]]:
        return events_say(question, statement, before=before, **{**asked, "asked": asked["endpoint"]})

    # Every window once, on one clock or another, and every filter.
    for question in list(questions(services))[number % 4 :: 3]:
        found = user_impact(question, **subjects)

        for share, before in ((found.hurt, False), (found.hurt_before, True)):
            (hurt,) = say(question, f"SELECT {USERS} AS users FROM {{events}} WHERE {FAILED}", before=before)
            (active,) = say(question, f"SELECT {USERS} AS users FROM {{events}} WHERE {ACTIVE}", before=before)
            assert (share.count, share.total) == (hurt["users"], active["users"])
        assert (found.change.now, found.change.before) == (found.hurt.count, found.hurt_before.count)
        assert found.failures == say(question, f"SELECT {COUNTED} AS n FROM {{events}} WHERE {FAILED}")[0]["n"]
        _check_groups(found, question, say)
        _check_sessions(found, question, say)
        _check_steps(found, question, say)
        _check_users(found, question, say)
        # The first ones alone are found by looking at few of the users.
        assert user_impact(question, **subjects, most=2).users == found.users[:2]


def _check_groups(found: UserImpact, question: Question, say: Say) -> None:
    by_severity = f"SELECT severity, {USERS} AS users, {COUNTED} AS n FROM {{events}} WHERE {FAILED} GROUP BY 1"
    now, before = ({row["severity"]: row for row in say(question, by_severity, before=past)} for past in (False, True))
    assert {one.severity for one in found.severities} == set(now) | set(before)
    for one in found.severities:
        assert (one.users_hurt, one.failures) == (
            now.get(one.severity, {"users": 0})["users"],
            now.get(one.severity, {"n": 0})["n"],
        )
        assert one.users_hurt_before == before.get(one.severity, {"users": 0})["users"]
    by_feature = (
        f"SELECT data ->> 'feature' AS feature, {USERS} AS users, {COUNTED} AS n FROM {{events}} "
        f"WHERE {FAILED} AND data ->> 'feature' <> '' GROUP BY 1"
    )
    now, before = ({row["feature"]: row for row in say(question, by_feature, before=past)} for past in (False, True))
    users = f"SELECT data ->> 'feature' AS feature, {USERS} AS users FROM {{events}} WHERE {ACTIVE} GROUP BY 1"
    active = {row["feature"]: row["users"] for row in say(question, users)}
    assert {one.feature for one in found.features} == set(now) | set(before)
    for feature in found.features:
        row = now.get(feature.feature, {"users": 0, "n": 0})
        assert (feature.hurt.count, feature.failures) == (row["users"], row["n"])
        assert feature.hurt.total == active.get(feature.feature, 0)
        assert feature.users_hurt_before == before.get(feature.feature, {"users": 0})["users"]


def _check_sessions(found: UserImpact, question: Question, say: Say) -> None:
    plain = f"SELECT count(*) AS n, {USERS} AS users FROM {{events}} WHERE name = 'session_stabilization_failure' AND {ACTIVE}"
    (now,), (before,) = say(question, plain), say(question, plain, before=True)
    sessions = found.sessions
    assert (sessions.event_count, sessions.users_hurt) == (now["n"], now["users"])
    assert (sessions.event_count_before, sessions.users_hurt_before) == (before["n"], before["users"])


def _check_steps(found: UserImpact, question: Question, say: Say) -> None:
    plain = say(question, f"SELECT occurred_at, user_hash FROM {{events}} WHERE user_hash <> '' AND {FAILED}")
    assert [(step.start, step.end) for step in found.steps] == [(step.start, step.end) for step in question.steps]
    for step in found.steps:
        inside = {row["user_hash"] for row in plain if step.start <= row["occurred_at"] < step.end}
        assert step.users_hurt == len(inside)


def _check_users(found: UserImpact, question: Question, say: Say) -> None:
    expected = say(
        question,
        f"""
        SELECT user_hash, {COUNTED} AS failures, count(*) FILTER (WHERE severity = 'critical') AS critical,
            count(*) FILTER (WHERE severity = 'error') AS errors, count(*) FILTER (WHERE severity = 'warning') AS warnings,
            count(DISTINCT name) AS kinds, array_agg(name) AS names, date_trunc('minute', max(occurred_at)) AS last
        FROM {{events}} WHERE user_hash <> '' AND {FAILED} GROUP BY 1
        """,
    )
    rows = {row["user_hash"]: row for row in expected}
    assert len(found.users) == len(rows) == found.hurt.count
    for user in found.users:
        row = rows[user.user]
        assert (user.failures, user.critical, user.errors, user.warnings, user.kinds, user.last_failed_at) == (
            row["failures"],
            row["critical"],
            row["errors"],
            row["warnings"],
            row["kinds"],
            row["last"],
        )
        assert row["names"].count(user.most_often) == max(row["names"].count(name) for name in row["names"])
    assert all(one.failures >= other.failures for one, other in pairwise(found.users))


def test_the_users_of_an_endpoint_are_those_that_its_failure_rate_counts(
    make_sender: Callable[[str], Sender],
) -> None:
    services = fill(make_sender, seed=7)
    question = Question(preset("7d", NOW), ZoneInfo("Europe/Berlin"))
    rates = failure_rates(question).endpoints
    assert {rate.service_id for rate in rates} == {service.pk for service in services}
    for rate in rates:
        own = narrowed(question, services=(rate.service_id,))

        found = user_impact(own, endpoint=rate.endpoint)

        assert (found.hurt.count, found.failures) == (rate.users_hurt, rate.failures)
        assert len(found.users) == rate.users_hurt
        for kind in endpoint_report(own, endpoint=rate.endpoint).kinds:
            told = user_impact(own, endpoint=rate.endpoint, name=kind.name, severity=kind.severity)
            assert told.hurt.count == kind.users_hurt


def test_the_users_of_an_error_are_those_that_the_top_errors_count(make_sender: Callable[[str], Sender]) -> None:
    fill(make_sender, seed=3)
    question = Question(preset("24h", NOW), ZoneInfo("UTC"))
    failures = [row for row in top_errors(question).errors if row.severity in FAILURES]
    assert failures
    for row in failures:
        found = user_impact(question, name=row.name, severity=row.severity)

        assert (found.hurt.count, found.failures) == (row.affected_users, row.event_count)


def test_it_counts_by_hand(sender: Sender) -> None:
    at = NOW.isoformat()
    sender.store(
        *(
            {"event": "ai_failure", "level": "warn", "user_id": user, "feature": "career", "timestamp": at}
            for user in ("ann", "ann", "bob", "")
        ),
        {"event": "api_error", "level": "error", "user_id": "ann", "timestamp": at},
        {"event": "feature_used", "user_id": "cy", "feature": "career", "timestamp": at},
        {"event": "feature_used", "user_id": "dan", "feature": "resume", "timestamp": at},
        {"event": "session_stabilization_failure", "level": "warn", "timestamp": at},
        at=NOW,
    )
    compact()

    found = user_impact(Question(preset("1h", NOW), ZoneInfo("UTC")))

    assert (found.hurt.count, found.hurt.total, found.failures) == (2, 4, 6)
    assert [(one.severity, one.users_hurt, one.failures) for one in found.severities] == [
        ("error", 1, 1),
        ("warning", 2, 5),
    ]
    assert [(one.feature, one.hurt.count, one.hurt.total) for one in found.features] == [("career", 2, 3)]
    assert (found.sessions.event_count, found.sessions.users_hurt) == (1, 0)
    ann, bob = found.users
    assert (ann.user, ann.failures, ann.errors, ann.warnings, ann.kinds, ann.most_often) == (
        scrubber().hash_user("ann"), 3, 1, 2, 2, "ai_failure",
    )  # fmt: skip
    assert (bob.user, bob.failures, bob.last_failed_at) == (scrubber().hash_user("bob"), 1, NOW.replace(second=0))


def test_it_is_empty_without_events(db: None) -> None:
    found = user_impact(Question(preset("24h", NOW), ZoneInfo("UTC")))

    assert (found.hurt.count, found.hurt.total, found.hurt.share, found.failures) == (0, 0, None, 0)
    assert (found.severities, found.features, found.users) == ([], [], [])
    assert {step.users_hurt for step in found.steps} == {0}
