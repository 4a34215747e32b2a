from collections import Counter, defaultdict
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from events.catalogue import GUIDE
from events.demo.documents import Source, milliseconds, moment_of
from events.ingest.fingerprint import fingerprint
from events.ingest.protocols.track import read_event
from events.ingest.types import Severity
from tests.events.demo.fortnights import UNTIL, fortnight, generator, named

_DEFAULT_SEVERITY = {entry.name: Severity(entry.default_severity) for entry in GUIDE}
# What each example of the guide carries in its data.
_FIELDS = {
    "db_pool_error": {"message", "severity"},
    "auth_system_failure": {"message", "severity"},
    "stripe_checkout_error": {"error", "severity"},
    "cascade_failure_detected": {"severity"},
    "security_incident_lockout": {"email", "ip", "severity", "failedAttempts"},
    "ai_failure": {"feature", "ai_provider", "reason", "fallback_used"},
    "session_stabilization_failure": {"attempts", "reason"},
    "beta_register_rate_limited": {"ip"},
    "formspree_failure": {"message"},
    "data_consistency_error": {"expected", "actual", "severity"},
    "cache_performance": {"key", "hit", "ttl"},
    "slow_endpoint": {"endpoint", "duration_ms"},
    "feature_used": {"feature", "user_id", "duration_seconds"},
    "api_timeout": {"endpoint", "duration_ms", "user_id", "fallback_used", "retry_count", "timestamp"},
    "error": {"message", "body", "apiKey", "user"},
    "client_error": {"message", "context", "userAgent", "stack", "breadcrumbs"},
    "api_error": {"endpoint", "message", "status", "user_id"},
    "trial_conversion": {"trial_type", "converted"},
    "api_response_time": {"endpoint", "response_time_ms"},
}


def test_it_gives_the_same_events_for_the_same_seed() -> None:
    assert list(generator(size=3_000).events()) == list(generator(size=3_000).events())


def test_it_gives_other_events_for_another_seed() -> None:
    ids = {event.document["event_id"] for event in fortnight(seed=1, size=3_000)}

    assert ids.isdisjoint(event.document["event_id"] for event in fortnight(seed=2, size=3_000))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_makes_about_as_many_events_as_asked(seed: int) -> None:
    assert 0.96 * 60_000 < len(fortnight(seed=seed)) < 1.04 * 60_000


def test_it_orders_events_by_time_within_the_fortnight() -> None:
    moments = [event.at_ms for event in fortnight()]

    assert moments == sorted(moments)
    assert moments[0] >= milliseconds(UNTIL - timedelta(days=14))
    assert moments[-1] < milliseconds(UNTIL)


def test_it_never_repeats_an_event_id() -> None:
    ids = [UUID(event.document["event_id"]) for event in fortnight()]

    assert len(set(ids)) == len(ids)


def test_it_makes_the_whole_out_of_parts() -> None:
    made = generator(size=3_000)
    border = UNTIL - timedelta(days=5, minutes=13)

    parts = [*made.events(before=border), *made.events(since=border)]

    assert parts == list(made.events())


def test_it_covers_every_name_of_the_guide_and_no_other() -> None:
    assert {event.document["event"] for event in fortnight()} == set(_DEFAULT_SEVERITY)


@pytest.mark.parametrize("name", sorted(_FIELDS))
def test_it_sends_the_fields_that_the_guide_sends(name: str) -> None:
    events = named(name)

    assert events
    for event in events:
        assert _FIELDS[name] <= set(event.document["data"])


def test_it_sends_nothing_that_has_to_be_repaired() -> None:
    for event in fortnight(size=20_000):
        read = read_event(event.document, received_at=UNTIL)

        assert read.repaired == []
        assert read.occurred_at == moment_of(event.at_ms)


def test_it_lets_the_severity_agree_with_the_catalogue() -> None:
    for event in fortnight(size=20_000):
        read = read_event(event.document, received_at=UNTIL)

        assert read.severity in (None, _DEFAULT_SEVERITY[read.name])


def test_it_makes_dozens_of_issues_and_not_thousands() -> None:
    groups = set()
    for event in fortnight():
        if _DEFAULT_SEVERITY[event.document["event"]].is_failure:
            groups.add((event.source, fingerprint(read_event(event.document, received_at=UNTIL)).hash))

    assert 40 <= len(groups) <= 80


def test_it_is_mostly_ordinary_traffic() -> None:
    names = Counter(event.document["event"] for event in fortnight())
    ordinary = names["api_response_time"] + names["feature_used"] + names["cache_performance"]

    assert 0.92 < ordinary / names.total() < 0.98


def test_it_is_busier_on_sunday_evening_than_at_four_in_the_morning() -> None:
    hours: Counter[tuple[str, int]] = Counter()
    for event in fortnight():
        moment = moment_of(event.at_ms)
        hours[moment.strftime("%A"), moment.hour] += 1

    assert hours["Sunday", 21] > 10 * hours["Sunday", 4]
    assert hours["Sunday", 21] > 1.4 * hours["Friday", 21]


def test_it_lets_users_stay_with_a_few_features() -> None:
    uses: dict[str, Counter[str]] = defaultdict(Counter)
    for event in named("feature_used"):
        data = event.document["data"]
        uses[data["user_id"]][data["feature"]] += 1
    regulars = [features for features in uses.values() if features.total() >= 20]
    among_four = [sum(n for _, n in features.most_common(4)) / features.total() for features in regulars]

    assert len(uses) > 1_000
    assert len(regulars) > 50
    assert sum(among_four) / len(among_four) > 0.8


def test_it_runs_mostly_in_production() -> None:
    environments = Counter(event.document["environment"] for event in fortnight())

    assert set(environments) == {"production", "staging"}
    assert 0.02 < environments["staging"] / environments.total() < 0.1


def test_it_sends_page_events_from_the_web_and_the_others_from_the_api() -> None:
    for event in fortnight(size=20_000):
        is_page = event.document["event"] in {
            "client_error", "feature_used", "session_stabilization_failure", "formspree_failure",
        }  # fmt: skip
        assert event.source is (Source.WEB if is_page else Source.API)


def test_it_leaves_a_trail_of_breadcrumbs_before_page_errors() -> None:
    for event in named("client_error"):
        trail = event.document["data"]["breadcrumbs"]
        times = [datetime.fromisoformat(crumb["timestamp"]) for crumb in trail]

        assert len(trail) >= 3
        assert times == sorted(times)
        assert times[-1] <= moment_of(event.at_ms)


def test_it_plays_visits_at_any_moment() -> None:
    events = generator().visit(Random(4), UNTIL)

    assert len(events) >= 5
    assert all(event.at_ms >= milliseconds(UNTIL) for event in events)
    assert len({event.document["event_id"] for event in events}) == len(events)
