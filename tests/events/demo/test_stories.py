from collections import Counter, defaultdict
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

from events.demo import outages, releases
from events.demo.documents import Sent, moment_of
from events.demo.failures import REGRESSION
from events.demo.lift import ANALYZE, JOB_SEARCH, NEW_FEATURE, UNUSED_FEATURE
from tests.events.demo.fortnights import UNTIL, fortnight, generator, named


def _moments(events: list[Sent]) -> list[datetime]:
    return [moment_of(event.at_ms) for event in events]


def _data(event: Sent) -> dict[str, Any]:
    data: dict[str, Any] = event.document["data"]
    return data


def _payment_failures() -> dict[str, list[datetime]]:
    texts = {message for *_, message in outages.PAYMENT_CASCADE}
    found = defaultdict(list)
    for event in named("stripe_checkout_error") + named("api_error"):
        if texts & {_data(event).get("error"), _data(event).get("message")}:
            found[_data(event)["endpoint"]].append(moment_of(event.at_ms))
    return found


def test_it_lets_four_endpoints_fall_within_five_minutes_of_the_payment_outage() -> None:
    failures = _payment_failures()
    first = sorted(min(moments) for moments in failures.values())

    assert set(failures) == {
        "/api/subscription/checkout", "/api/subscription/portal", "/api/billing/webhook", "/api/trial/start",
    }  # fmt: skip
    assert first[0] in failures["/api/subscription/checkout"]
    assert first[-1] - first[0] < timedelta(minutes=9)
    within_five = {
        endpoint
        for endpoint, moments in failures.items()
        if any(first[0] + timedelta(minutes=10) <= moment < first[0] + timedelta(minutes=15) for moment in moments)
    }
    assert len(within_five) >= 3


def test_it_ends_the_payment_outage_after_forty_minutes() -> None:
    moments = sorted(moment for found in _payment_failures().values() for moment in found)

    assert timedelta(minutes=30) < moments[-1] - moments[0] < timedelta(minutes=41)


def test_it_is_troubled_while_one_of_its_stories_goes_on_and_a_short_while_after() -> None:
    stories = generator().stories
    payments = sorted(moment for found in _payment_failures().values() for moment in found)
    first, last = (int(moment.timestamp() * 1000) for moment in (payments[0], payments[-1]))

    assert not stories.is_troubled(first - 60_000)
    assert stories.is_troubled(first + 60_000)
    assert stories.is_troubled(last)
    assert not stories.is_troubled(last + 16 * 60_000)


def test_it_detects_the_cascade_during_the_payment_outage() -> None:
    moments = sorted(moment for found in _payment_failures().values() for moment in found)

    for moment in _moments(named("cascade_failure_detected")):
        assert moments[0] < moment < moments[-1] + timedelta(minutes=2)


def test_it_lets_openai_time_out_on_two_evenings_mostly_for_career() -> None:
    days: Counter[str] = Counter()
    features: Counter[str] = Counter()
    caught = 0
    for event in named("ai_failure"):
        data, moment = _data(event), moment_of(event.at_ms)
        if (data["ai_provider"], data["reason"]) == ("openai", "timeout") and 18 <= moment.hour <= 22:
            days[moment.date().isoformat()] += 1
            if (UNTIL.date() - moment.date()).days in (5, 6):
                features[data["feature"]] += 1
                caught += data["fallback_used"]

    assert {day for day, _ in days.most_common(2)} == {"2026-03-08", "2026-03-09"}
    assert days["2026-03-08"] + days["2026-03-09"] > 0.6 * days.total()
    assert features["career"] > 0.6 * features.total()
    assert caught > 0.75 * features.total()


def test_it_lets_the_attacker_come_from_one_network_on_two_nights() -> None:
    attacks = [
        event
        for event in named("beta_register_rate_limited")
        if _data(event)["ip"].startswith(outages.ATTACKER_NETWORK)
    ]
    nights = {moment.date() for moment in _moments(attacks)}

    assert len(attacks) > 0.5 * len(named("beta_register_rate_limited"))
    assert len(nights) == 2
    assert all(1 < moment.hour < 6 for moment in _moments(attacks))
    locked = [event for event in named("security_incident_lockout") if outages.ATTACKER_NETWORK in _data(event)["ip"]]
    assert {moment.date() for moment in _moments(locked)} == nights
    assert all(_data(event)["failedAttempts"] >= 5 for event in locked)


def test_it_stops_using_one_feature_a_week_before_the_end() -> None:
    moments = [moment_of(event.at_ms) for event in named("feature_used") if _data(event)["feature"] == UNUSED_FEATURE]

    assert len(moments) > 10
    assert max(moments) < UNTIL - timedelta(days=7)


def test_it_brings_a_new_feature_with_a_release() -> None:
    first = min(moment_of(event.at_ms) for event in named("feature_used") if _data(event)["feature"] == NEW_FEATURE)
    rollout = releases.released_at(generator().stories.repaired_in)

    assert rollout - timedelta(days=1) <= first < rollout + timedelta(days=1)


def test_it_makes_the_resume_analysis_slow_with_the_bad_release() -> None:
    bad = {releases.name_of(generator().stories.bad_since + later) for later in range(3)}
    before: list[int] = []
    after: list[int] = []
    for event in named("api_response_time"):
        if _data(event)["endpoint"] == ANALYZE.path and _data(event)["status"] == 200:
            (after if event.document["release"] in bad else before).append(_data(event)["response_time_ms"])

    assert quantiles(after, n=20)[-1] > 2 * quantiles(before, n=20)[-1]
    slow = [event for event in named("slow_endpoint") if _data(event)["endpoint"] == ANALYZE.path]
    assert sum(event.document["release"] in bad for event in slow) > 0.8 * len(slow)


def test_it_repairs_an_error_and_brings_it_back() -> None:
    made = generator()
    fixed, back = (releases.released_at(number) for number in (made.stories.repaired_in, made.stories.bad_since))
    moments = [
        moment_of(event.at_ms) for event in named("client_error") if _data(event)["message"] == REGRESSION.message
    ]

    assert [moment for moment in moments if moment < fixed]
    assert not [moment for moment in moments if fixed + timedelta(hours=5) < moment < back - timedelta(days=1)]
    assert len([moment for moment in moments if moment >= back]) > 10


def test_it_exhausts_the_connection_pool_on_one_night() -> None:
    moments = _moments(named("db_pool_error"))

    assert len(moments) >= 6
    assert max(moments) - min(moments) < timedelta(minutes=15)
    assert all(moment.hour == 3 for moment in moments)


def test_it_caches_searches_too_briefly_to_pay() -> None:
    hits: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for event in named("cache_performance"):
        prefix = _data(event)["key"].rpartition(":")[0]
        prefix = JOB_SEARCH.cache.prefix if prefix.startswith("jobs:search") else prefix  # type: ignore[union-attr]
        asked[prefix] += 1
        hits[prefix] += _data(event)["hit"]
    rates = {prefix: hits[prefix] / asked[prefix] for prefix in asked}

    assert rates.pop("jobs:search") < 0.1
    assert all(rate > 0.4 for rate in rates.values())


def test_it_keeps_the_stories_in_a_small_fortnight() -> None:
    names = Counter(event.document["event"] for event in fortnight(size=2_000))

    for name in (
        "db_pool_error", "auth_system_failure", "stripe_checkout_error", "cascade_failure_detected",
        "security_incident_lockout", "beta_register_rate_limited", "error",
    ):  # fmt: skip
        assert names[name] >= 4
