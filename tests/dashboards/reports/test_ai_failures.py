"""AI generation: every number of the report is what straightforward SQL over the events says."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.reports.ai_failures import AiFailures, AiRates, ai_failures
from dashboards.reports.question import Question
from dashboards.window import preset
from events.ingest.pipeline import IngestResult
from events.latency import bucket_of
from events.rollups import compact
from tests.dashboards.reports.random_events import NOW, fill, questions
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
Say = Callable[..., list[dict[str, Any]]]
Key = tuple[str, str] | str

# Of all time that the filters leave: which features AI works for.
AI_FEATURES = """
    SELECT DISTINCT data ->> 'feature' AS feature FROM events_event
    WHERE data ? 'feature' AND (name = 'ai_failure' OR name IN ('api_timeout', 'api_response_time') AND data ? 'ai_provider')
        AND (%(services)s::int[] = '{}' OR service_id = ANY(%(services)s))
        AND (%(environments)s::text[] = '{}' OR environment = ANY(%(environments)s))
        AND (%(release)s = '' OR release = %(release)s)
"""
OF_AI = f"""
    (SELECT *, coalesce(data ->> 'feature', '') AS feature, coalesce(data ->> 'ai_provider', '') AS provider,
        coalesce(data ->> 'reason', '') AS reason, data ->> 'fallback_used' AS fallback
    FROM {{events}} WHERE name = 'ai_failure' OR name = 'api_response_time' AND data ? 'ai_provider'
        OR name = 'api_timeout' AND (data ? 'ai_provider' OR data ->> 'feature' IN ({AI_FEATURES}))) AS of_ai
"""
PLAIN = f"""
    SELECT {{key}},
        count(*) FILTER (WHERE name = 'api_response_time') AS calls,
        count(*) FILTER (WHERE name = 'ai_failure') AS ai_failures,
        count(*) FILTER (WHERE name = 'ai_failure' AND reason ~* 'time(d )?out') AS ai_timeouts,
        count(*) FILTER (WHERE name = 'api_timeout') AS api_timeouts,
        count(*) FILTER (WHERE name = 'ai_failure' AND fallback IS NOT NULL) AS said,
        count(*) FILTER (WHERE name = 'ai_failure' AND fallback IN ('true', 'template')) AS used,
        count(*) FILTER (WHERE name = 'api_timeout' AND fallback IS NOT NULL) AS said_by_endpoint,
        count(*) FILTER (WHERE name = 'api_timeout' AND fallback IN ('true', 'template')) AS used_by_endpoint,
        count(DISTINCT nullif(user_hash, '')) FILTER (WHERE name <> 'api_response_time') AS users_hurt,
        count(*) FILTER (WHERE name = 'api_response_time' AND duration_ms <= 9900
            AND (data ->> 'status')::int < 500 AND coalesce(fallback, 'none') IN ('none', 'false')) AS surely_within,
        count(*) FILTER (WHERE name = 'api_response_time' AND duration_ms <= 10000
            AND (data ->> 'status')::int < 500 AND coalesce(fallback, 'none') IN ('none', 'false')) AS within,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms) FILTER (WHERE name = 'api_response_time') AS p50
    FROM {OF_AI} GROUP BY 1
"""
NOTHING = dict.fromkeys(
    (
        "calls",
        "ai_failures",
        "ai_timeouts",
        "api_timeouts",
        "said",
        "used",
        "said_by_endpoint",
        "used_by_endpoint",
        "users_hurt",
        "surely_within",
        "within",
    ),
    0,
)


def bound_to(question: Question) -> dict[str, Any]:
    filters = question.filters
    return {"services": list(filters.services), "environments": list(filters.environments), "release": filters.release}


def plainly(question: Question, events_say: Say, key: str, *, before: bool = False) -> dict[Any, dict[str, Any]]:
    rows = events_say(question, PLAIN.replace("{key}", f"{key} AS key"), before=before, **bound_to(question))
    return {row["key"]: row for row in rows}


def failures_of(row: dict[str, Any]) -> int:
    timeouts = max(row["ai_timeouts"], row["api_timeouts"])
    return int(row["ai_failures"] - row["ai_timeouts"] + timeouts)


def check(rates: AiRates, row: dict[str, Any], before: dict[str, Any]) -> None:
    for number in ("calls", "ai_failures", "ai_timeouts", "api_timeouts"):
        assert getattr(rates, number) == row[number], number
    assert rates.timeouts == rates.timeouts_change.now == max(row["ai_timeouts"], row["api_timeouts"])
    assert rates.failures == rates.failures_change.now == failures_of(row)
    assert rates.failures_change.before == failures_of(before)
    assert rates.timeouts_change.before == max(before["ai_timeouts"], before["api_timeouts"])
    for share, told in ((rates.rate, row), (rates.rate_before, before)):
        assert share.count == failures_of(told)
        assert share.total == (told["calls"] if told["calls"] >= failures_of(told) else 0)
    by = "" if row["said"] else "_by_endpoint"
    assert (rates.fallback.count, rates.fallback.total) == (row[f"used{by}"], row[f"said{by}"])


@pytest.mark.parametrize("seed", range(2))
def test_it_says_what_the_events_say(make_sender: Callable[[str], Sender], events_say: Say, seed: int) -> None:
    services = fill(make_sender, seed=seed, count=700)
    compared = 0
    for question in questions(services):
        found = ai_failures(question)

        for key, items in (
            ("provider", {one.provider: one for one in found.providers}),
            ("feature", {one.feature: one for one in found.features}),
            ("(feature, provider)::text", {f"({one.feature},{one.provider})": one for one in found.matrix}),
            ("''::text", {"": found}),
        ):
            now, before = (plainly(question, events_say, key, before=earlier) for earlier in (False, True))
            now, before = ({k.replace('""', ""): row for k, row in rows.items()} for rows in (now, before))
            if key != "''::text":
                assert set(items) == set(now) | set(before)
            for name, item in items.items():
                row = now.get(name, NOTHING)
                check(item.total if isinstance(item, AiFailures) else item.rates, row, before.get(name, NOTHING))
                if key != "(feature, provider)::text":
                    assert item.users_hurt == row["users_hurt"]
                compared += failures_of(row)
        _check_providers(question, found, plainly(question, events_say, "provider"), events_say)
        _check_steps(question, found, events_say)
    assert compared > 1_000


def _check_providers(question: Question, found: AiFailures, rows: dict[str, dict[str, Any]], events_say: Say) -> None:
    assert found.sla_ms == 10_000
    for provider in found.providers:
        row = rows.get(provider.provider, {**NOTHING, "p50": None})
        assert provider.within_sla.total == provider.latency.samples == row["calls"]
        # Counted by buckets of 2 %: what is nearer to the limit may be left out, what is beyond never counts.
        assert row["surely_within"] <= provider.within_sla.count <= row["within"]
        if row["p50"] is None:
            assert provider.latency.p50_ms is None
        else:
            assert provider.latency.p50_ms == pytest.approx(row["p50"], rel=0.0101)
        reasons = events_say(
            question,
            "SELECT coalesce(data ->> 'reason', '') AS reason, count(*) AS event_count FROM {events} "
            "WHERE name = 'ai_failure' AND coalesce(data ->> 'ai_provider', '') = %(provider)s "
            "GROUP BY 1",
            provider=provider.provider,
        )
        told = {reason["reason"]: reason["event_count"] for reason in reasons}
        assert {one.reason: one.event_count for one in provider.reasons} == told


def _check_steps(question: Question, found: AiFailures, events_say: Say) -> None:
    events = events_say(
        question,
        f"SELECT occurred_at, name, provider, reason FROM {OF_AI} WHERE name <> 'api_response_time'",
        **bound_to(question),
    )
    assert {line.provider for line in found.by_step} == {event["provider"] for event in events}
    for line in found.by_step:
        for step, failures in zip(found.steps, line.failures, strict=True):
            inside = [
                event
                for event in events
                if event["provider"] == line.provider and step.start <= event["occurred_at"] < step.end
            ]
            by_ai = [event["reason"] for event in inside if event["name"] == "ai_failure"]
            timeouts = sum("time" in reason.lower() for reason in by_ai)
            assert failures == len(by_ai) - timeouts + max(timeouts, len(inside) - len(by_ai))


def call(**data: Any) -> dict[str, Any]:
    return {
        "event": "api_response_time",
        "response_time_ms": 900,
        "status": 200,
        "ai_provider": "openai",
        "feature": "career",
        **data,
    }


def failure(**data: Any) -> dict[str, Any]:
    return {
        "event": "ai_failure",
        "level": "warn",
        "ai_provider": "openai",
        "feature": "career",
        "reason": "timeout",
        **data,
    }


def timeout(**data: Any) -> dict[str, Any]:
    return {"event": "api_timeout", "level": "error", "endpoint": "/api/career", **data}


@pytest.fixture
def send(sender: Sender) -> Callable[..., IngestResult]:
    def store(*documents: Any) -> IngestResult:
        result = sender.store(*documents, at=NOW - timedelta(minutes=5))
        compact()
        return result

    return store


QUESTION = Question(preset("1h", NOW), ZoneInfo("UTC"))


def test_it_counts_a_wait_that_is_told_twice_once(send: Callable[..., IngestResult]) -> None:
    send(
        *(failure() for _ in range(3)),
        failure(reason="rate limit exceeded"),
        timeout(feature="career", ai_provider="openai"),
        timeout(feature="career"),
    )

    found = ai_failures(QUESTION)

    (career,) = found.features
    assert (career.rates.timeouts, career.rates.failures) == (3, 4)
    assert [(one.provider, one.rates.timeouts, one.rates.failures) for one in found.providers] == [
        ("openai", 3, 4),
        ("", 1, 1),
    ]
    assert (found.total.timeouts, found.total.failures) == (3, 4)


def test_it_counts_timeouts_that_only_the_endpoint_tells_of(send: Callable[..., IngestResult]) -> None:
    send(call(), *(timeout(feature="career", fallback_used="template") for _ in range(4)), timeout(feature="upload"))

    (career,) = ai_failures(QUESTION).features

    assert (career.feature, career.rates.timeouts, career.rates.failures) == ("career", 4, 4)
    assert career.rates.fallback.share == 1.0
    assert career.timeout_rate.share is None, "more timeouts than calls are known: nobody knows how many there were"


def test_it_knows_no_rate_without_calls(send: Callable[..., IngestResult]) -> None:
    send(failure(), failure())

    found = ai_failures(QUESTION)

    assert found.providers[0].rates.rate.share is None
    assert found.providers[0].within_sla.share is None
    assert found.verdict.kind == "calls unknown"


def test_a_call_succeeds_in_time_when_it_was_quick_and_answered_by_the_provider(
    send: Callable[..., IngestResult],
) -> None:
    send(
        call(),
        call(response_time_ms=9_800),
        call(response_time_ms=10_001),
        call(status=502),
        call(fallback_used="template"),
        call(fallback_used=False),
        call(status=404),
    )

    (openai,) = ai_failures(QUESTION).providers

    assert (openai.within_sla.count, openai.within_sla.total) == (4, 7)


def test_the_time_allowed_is_a_setting(send: Callable[..., IngestResult], settings: Any) -> None:
    send(call(response_time_ms=900), call(response_time_ms=90))
    settings.AI_SLA_MS = 500

    found = ai_failures(QUESTION)

    assert found.sla_ms == 500
    assert found.providers[0].within_sla.count == 1


def test_it_says_which_provider_fails_most_when_that_is_beyond_chance(send: Callable[..., IngestResult]) -> None:
    send(*(call() for _ in range(200)), *(failure() for _ in range(60)))
    send(*(call(ai_provider="gemini") for _ in range(200)), *(failure(ai_provider="gemini") for _ in range(8)))

    found = ai_failures(QUESTION)

    assert found.verdict.kind == "fails most"
    assert found.verdict.sentence == "openai fails most: 30 % of its 200 calls."
    assert [one.provider for one in found.providers] == ["openai", "gemini"]


def test_it_is_empty_without_events(db: None) -> None:
    found = ai_failures(QUESTION)

    assert found.providers == []
    assert found.features == []
    assert found.by_step == []
    assert found.total.calls == found.total.failures == found.users_hurt == 0
    assert found.verdict.kind == "nothing failed"


def test_buckets_of_nine_and_of_ten_seconds_differ() -> None:
    assert bucket_of(9_900) < bucket_of(10_000)
