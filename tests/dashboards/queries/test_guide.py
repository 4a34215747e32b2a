"""The questions that Liftmon brings: the guide's four give the right numbers, and every one can be asked."""

from collections.abc import Callable
from datetime import UTC
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from dashboards.models import SavedQuery
from dashboards.queries.answers import chart_of
from dashboards.queries.draft import ChartSpec
from dashboards.queries.guide import GUIDE, REVIEWS, Entry, load_questions
from dashboards.queries.parameters import read_declarations
from tests.dashboards.queries.conftest import Ask
from tests.events.conftest import Sender, ago

pytestmark = pytest.mark.django_db
ENTRIES = (*GUIDE, *REVIEWS)
Send = Callable[[str], Sender]


def statement_of(name: str) -> str:
    (entry,) = [entry for entry in GUIDE if entry.name == name]
    return entry.statement


def test_the_guides_statements_are_the_guides() -> None:
    errors, adoption, trials, slowest = (entry.statement for entry in GUIDE)

    assert "WHERE timestamp > NOW() - INTERVAL 24 HOURS\n  AND event LIKE '%error%'" in errors
    assert "AVG((data->>'duration_seconds')::int) as avg_duration_seconds" in adoption
    assert "ROUND(100.0 * COUNT(*) / SUM(COUNT(*)) OVER (PARTITION BY data->>'trial_type'), 2) as percent" in trials
    assert "PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY (data->>'response_time_ms')::int) as p99_ms" in slowest


def test_errors_of_the_last_day_are_counted(transactional_db: None, asked: Ask, make_sender: Send) -> None:
    sender = make_sender("lift api")

    def error(name: str, **data: Any) -> dict[str, Any]:
        return {"event": name, "data": {"severity": "error", **data}}

    sender.store(
        error("api_error", user_id="a", duration_ms=10050.5),
        error("api_error", user_id="a", duration_ms=100),
        error("api_error", user_id="b"),
        error("client_error", user_id="c"),
        {"event": "data_consistency_error", "data": {"severity": "WARNING"}},
        {"event": "api_timeout", "data": {"severity": "error"}},
        {"event": "api_error", "timestamp": ago(hours=25).isoformat(), "data": {"severity": "error"}},
    )

    found = asked(statement_of("Find all errors (last 24 hours)"))

    assert [column.name for column in found.columns] == [
        "event", "severity", "count", "affected_users", "avg_duration_ms",
    ]  # fmt: skip
    assert found.rows[0] == ["api_error", "error", "3", "2", "5075.5000000000000000"]
    assert sorted(row[:4] for row in found.rows[1:]) == [
        ["client_error", "error", "1", "1"],
        ["data_consistency_error", "warning", "1", "0"],
    ]


def test_feature_adoption_is_counted(transactional_db: None, asked: Ask, make_sender: Send) -> None:
    sender = make_sender("lift web")
    sender.store(
        {"event": "feature_used", "data": {"feature": "flashcards", "user_id": "a", "duration_seconds": 10}},
        {"event": "feature_used", "data": {"feature": "flashcards", "user_id": "b", "duration_seconds": 20.6}},
        {"event": "feature_used", "data": {"feature": "flashcards", "user_id": "b"}},
        {"event": "feature_used", "data": {"feature": "career", "user_id": "a"}},
        {"event": "feature_used", "timestamp": ago(days=8).isoformat(), "data": {"feature": "career"}},
    )

    assert asked(statement_of("Feature adoption")).rows == [
        ["flashcards", "3", "2", "15.5000000000000000"],
        ["career", "1", "1", None],
    ]


def test_trials_are_counted(transactional_db: None, asked: Ask, make_sender: Send) -> None:
    sender = make_sender("lift web")

    def trial(kind: str, converted: Any) -> dict[str, Any]:
        return {"event": "trial_conversion", "data": {"trial_type": kind, "converted": converted}}

    sender.store(
        trial("free", True), trial("free", False), trial("free", "true"), trial("beta", False), trial("free", "no"),
        {**trial("free", True), "timestamp": ago(days=29, hours=23).isoformat()},
    )  # fmt: skip

    assert sorted(asked(statement_of("Trial conversion rates")).rows) == [
        ["beta", "expired", "1", "100.00"],
        ["free", "converted", "3", "60.00"],
        ["free", "expired", "2", "40.00"],
    ]


def test_the_slowest_endpoints_are_told(transactional_db: None, asked: Ask, make_sender: Send) -> None:
    sender = make_sender("lift api")
    times = [*range(100, 1100, 100), 10050.4]
    sender.store(
        *(
            {"event": "api_response_time", "data": {"endpoint": "/api/career", "response_time_ms": took}}
            for took in times
        ),
        *({"event": "api_response_time", "endpoint": "/api/jobs", "response_time_ms": 50} for _ in range(11)),
        *({"event": "api_response_time", "endpoint": "/api/few", "response_time_ms": 9999} for _ in range(10)),
    )

    found = asked(statement_of("Slowest endpoints")).rows

    assert [[row[0], *(round(float(cell or 0), 6) for cell in row[1:])] for row in found] == [
        ["/api/career", 11, 600, 5525, 9145],
        ["/api/jobs", 11, 50, 50, 50],
    ]


def test_hostile_values_do_not_stop_the_guides_questions(transactional_db: None, asked: Ask, make_sender: Send) -> None:
    sender = make_sender("lift api")
    for took in ("fast", "", [], {}, -1, 1e300, "1e9", True, None, "9" * 40):
        sender.store(
            {"event": "api_error", "data": {"severity": "error", "duration_ms": took}},
            {"event": "feature_used", "data": {"feature": "x", "duration_seconds": took}},
            *({"event": "api_response_time", "data": {"endpoint": "/x", "response_time_ms": took}} for _ in range(2)),
        )

    answers = [asked(entry.statement) for entry in GUIDE]

    assert [len(answer.rows) for answer in answers] == [1, 1, 0, 1]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_question_can_be_asked_and_drawn(
    transactional_db: None, asked: Ask, sender: Sender, entry: Entry
) -> None:
    for name in ("ai_failure", "cache_performance", "feature_used", "beta_register_rate_limited", "formspree_failure"):
        data = {"feature": "a", "ai_provider": "b", "reason": "timeout", "key": "k:1", "hit": True, "ip": "203.0.113.9"}
        sender.store({"event": name, "data": {"severity": "error", "user_id": "u", **data}})

    answer = asked(entry.statement, **{name: (kind, text) for name, kind, text in entry.parameters})

    columns = {column.name: column for column in answer.columns}
    if entry.chart_kind:
        assert {entry.chart_x, *entry.chart_y} <= columns.keys()
        assert all(columns[name].is_number for name in entry.chart_y)
        chart, problem = chart_of(answer, ChartSpec(entry.chart_kind, entry.chart_x, entry.chart_y), entry.name)
        assert problem == ""
        assert (chart is None) == (answer.rows == [])


def test_a_review_question_gives_its_numbers(transactional_db: None, asked: Ask, sender: Sender) -> None:
    for provider, reason in (("openai", "timeout"), ("openai", "overloaded"), ("anthropic", "timeout")):
        sender.store(
            {"event": "ai_failure", "data": {"ai_provider": provider, "reason": reason, "fallback_used": True}}
        )
    (entry,) = [entry for entry in REVIEWS if entry.name == "AI failures by provider"]

    answer = asked(entry.statement, days=("integer", "1"))

    assert answer.rows == [["openai", "2", "1", "2"], ["anthropic", "1", "1", "1"]]


@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "UTC", "Pacific/Auckland"])
def test_days_are_those_of_utc_in_every_time_zone(
    transactional_db: None, asked: Ask, make_sender: Send, zone: str
) -> None:
    from events.rollups import compact

    at = ago(days=3).replace(hour=12)
    make_sender("lift web").store(
        {"event": "feature_used", "timestamp": at.isoformat(), "data": {"feature": "flashcards"}},
        {"event": "api_error", "timestamp": at.isoformat(), "data": {"severity": "error", "user_id": "a"}},
    )
    while compact():
        pass
    features, users = (entry for entry in REVIEWS if entry.name in ("Features without users", "Users hurt most"))

    assert asked(features.statement, zone=zone, days=("integer", "1")).rows == [["flashcards", str(at.date()), "1"]]
    assert [row[3] for row in asked(users.statement, zone=zone, days=("integer", "7")).rows] == [str(at.date())]


def test_shipped_questions_with_the_readers_days_are_mended_where_nobody_changed_them() -> None:
    migration = import_module("dashboards.migrations.0003_questions")
    SavedQuery.objects.all().delete()
    load_questions(SavedQuery)
    features, users = (SavedQuery.objects.get(name=name) for name in ("Features without users", "Users hurt most"))
    features_now, users_now = features.statement, users.statement
    SavedQuery.objects.filter(pk=features.pk).update(statement=migration._FEATURES)
    SavedQuery.objects.filter(pk=users.pk).update(statement=migration._USERS + " -- ours")

    migration.mend_days(SavedQuery)

    features.refresh_from_db()
    users.refresh_from_db()
    assert migration._FEATURES != features.statement == features_now
    assert users.statement == migration._USERS + " -- ours"
    SavedQuery.objects.filter(pk=users.pk).update(statement=migration._USERS)
    migration.mend_days(SavedQuery)
    users.refresh_from_db()
    assert users.statement == users_now


def test_loading_again_adds_only_what_is_missing() -> None:
    SavedQuery.objects.all().delete()

    assert load_questions(SavedQuery) == len(ENTRIES)
    SavedQuery.objects.get(name=GUIDE[0].name).delete()
    SavedQuery.objects.filter(name=GUIDE[1].name).update(name=GUIDE[1].name.upper(), statement="SELECT 1")
    assert load_questions(SavedQuery) == 1

    assert SavedQuery.objects.count() == len(ENTRIES)
    assert SavedQuery.objects.get(name=GUIDE[1].name.upper()).statement == "SELECT 1"
    assert SavedQuery.objects.filter(is_from_guide=True).count() == len(GUIDE)


def test_what_is_loaded_is_valid() -> None:
    SavedQuery.objects.all().delete()
    load_questions(SavedQuery)

    for saved in SavedQuery.objects.all():
        saved.full_clean(exclude=["owner"])
        assert read_declarations(saved.parameters) == saved.declared
        assert all(one.read(one.default, UTC) is not None for one in saved.declared)


def test_a_question_is_only_changed_over_what_was_seen() -> None:
    SavedQuery.objects.all().delete()
    load_questions(SavedQuery)
    ada = User.objects.create_user("ada")
    saved = SavedQuery.objects.get(name=GUIDE[0].name)
    seen_at, now = saved.updated_at, timezone.now()

    assert saved.change(by=ada, at=now, seen_at=seen_at, statement=saved.statement, description="Ours.")
    assert saved.is_from_guide
    assert not SavedQuery.objects.get(pk=saved.pk).change(by=ada, at=now, seen_at=seen_at, statement="SELECT 1")
    assert saved.change(by=ada, at=timezone.now(), seen_at=now, statement="SELECT 1")

    assert (saved.statement, saved.description, saved.owner, saved.is_from_guide) == ("SELECT 1", "Ours.", ada, False)
