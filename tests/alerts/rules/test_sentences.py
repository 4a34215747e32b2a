"""What each condition says of itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.conditions import condition_of
from alerts.matching import Match
from alerts.rules.guide import GUIDE_RULES
from alerts.rules.sentences import RouteTold, RuleTold, route_sentence, rule_sentence, telling_sentence


def rule(kind: str, parameters: dict[str, Any] | None = None, severity: str = "warning", **more: Any) -> RuleTold:
    return RuleTold(kind, condition_of(kind, parameters or {}), severity, **more)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            rule("event", severity="critical", match=Match(severities=("critical",)), group_by=("service", "name"),
                 recover_seconds=900),
            ("When a critical event comes, an alert of severity critical fires, one for each service and event name; it is "
            "resolved 15 minutes after the last."),
        ),
        (
            rule("event", match=Match(service_id=3, names=("api_error", "api_timeout"), severities=("error",),
                                      environments=("production",), endpoints=("/api/*",), tag="retry:true"),
                 service_name="lift web"),
            ("When an api_error or api_timeout event of severity error of lift web in production at /api/* with retry:true "
            "comes, an alert of severity warning fires; it is resolved within seconds."),
        ),
        (
            rule("event", recover_seconds=60),
            ("When a failure (a critical, error or warning event) comes, an alert of severity warning fires; it is resolved 1 "
            "minute after the last."),
        ),
        (
            rule("new_issue", match=Match(severities=("critical", "error")), recover_seconds=3600, group_by=("service",)),
            ("When an issue is first seen with a critical or error event, an alert of severity warning fires, one for each "
            "issue; it is resolved 1 hour later."),
        ),
        (
            rule("regression", recover_seconds=3600),
            ("When a resolved issue comes back, an alert of severity warning fires, one for each issue; it is resolved 1 hour "
            "later."),
        ),
        (
            rule("threshold", {"limit": 5, "window_seconds": 600}, match=Match(names=("ai_failure",)),
                 group_by=("ai_provider",), recover_seconds=900),
            ("When 5 or more ai_failure events come within 10 minutes for one ai_provider, an alert of severity warning fires; "
            "it is resolved when that has not held for 15 minutes."),
        ),
        (
            rule("threshold", {"limit": 20, "window_seconds": 3600, "measure": "users", "least_volume": 30}, for_seconds=300),
            ("When 20 or more users are hurt by events within 1 hour with at least 30 events, and that holds for 5 minutes, an "
            "alert of severity warning fires; it is resolved as soon as that no longer holds."),
        ),
        (
            rule("threshold", {"limit": 0.05, "window_seconds": 300, "measure": "failure_ratio", "least_volume": 100},
                 group_by=("service", "endpoint")),
            ("When 5 % or more of the requests fail within 5 minutes for one service and endpoint with at least 100 requests, "
            "an alert of severity warning fires; it is resolved as soon as that no longer holds."),
        ),
        (
            rule("threshold", {"limit": 0.5, "window_seconds": 3600, "measure": "share", "least_volume": 200},
                 match=Match(names=("cache_performance",), tag="hit:false")),
            ("When 50 % or more of cache_performance events have hit:false within 1 hour with at least 200 events, an alert of "
            "severity warning fires; it is resolved as soon as that no longer holds."),
        ),
        (
            rule("latency", {"limit_ms": 1000, "window_seconds": 600}, match=Match(endpoints=("/api/career",))),
            ("When the p95 of response times at /api/career is above 1,000 ms within 10 minutes with at least 20 requests, an "
            "alert of severity warning fires; it is resolved as soon as that no longer holds."),
        ),
        (
            rule("spike", {"window_seconds": 3600}, match=Match(names=("login_failed",))),
            ("When 10 or more login_failed events come within 1 hour, more than 2 times as many as usual at this hour of "
            "this weekday and beyond chance (until 3 weeks are known, of at least 3 earlier working days, or weekend days), an "
            "alert of severity warning fires; it is resolved as soon as that no longer holds."),
        ),
        (
            rule("spike", {"window_seconds": 3600, "least_history": 8}),
            ("When 10 or more events come within 1 hour, more than 2 times as many as usual at this hour of earlier working "
            "days, or weekend days, and beyond chance (from 8 known ones on), an alert of severity warning fires; it is resolved "
            "as soon as that no longer holds."),
        ),
        (
            rule("escalating", {"times": 3, "least": 25}, recover_seconds=3600),
            ("When an issue has 25 or more events in an hour, more than 3 times as many as in nearly every hour of the week "
            "before, an alert of severity warning fires, one for each issue; it is resolved when that has not held for 1 hour."),
        ),
        (
            rule("absence", {"window_seconds": 1800}, group_by=("service",), severity="error"),
            ("When no event comes for 30 minutes for one service, an alert of severity error fires; it is resolved as soon as "
            "that no longer holds."),
        ),
        (
            rule("burn_rate", {"objective": 0.995}, recover_seconds=600),
            ("When requests fail so often that the error budget of 99.5 % burns too fast (14.4 × over 1 hour, 6 × over 6 hours "
            "or 1 × over 3 days) with at least 100 requests, an alert of severity warning fires; it is resolved when that has "
            "not held for 10 minutes."),
        ),
        (
            rule("cascade", severity="critical", recover_seconds=300),
            ("When 3 or more endpoints fail together within 5 minutes, an alert of severity critical fires; it is resolved when "
            "that has not held for 5 minutes."),
        ),
    ],
    ids=lambda one: one.kind if isinstance(one, RuleTold) else "",
)  # fmt: skip
def test_each_condition_says_what_it_does(told: RuleTold, sentence: str) -> None:
    assert rule_sentence(told) == sentence


def test_every_rule_of_the_guide_has_a_sentence() -> None:
    for _, _, kind, parameters, severity, more in GUIDE_RULES:
        match = Match(
            names=tuple(more.get("names", ())), severities=tuple(more.get("severities", ())), tag=more.get("tag", "")
        )
        said = rule_sentence(rule(kind, parameters, severity, match=match, group_by=more.get("group_by", ())))
        assert said.startswith("When ")
        assert severity in said


@pytest.mark.parametrize(
    ("wait", "repeat", "sentence"),
    [
        (0, 0, "People are told at once, and not again while it fires."),
        (0, 3600, "People are told at once, and again every hour until somebody acknowledges it."),
        (0, 5400, "People are told at once, and again every 1 hour 30 minutes until somebody acknowledges it."),
        (
            30,
            14_400,
            (
                "People are told 30 seconds later, so that what fires meanwhile is told of together, and again every 4 hours until "
                "somebody acknowledges it."
            ),
        ),
    ],
)
def test_it_says_how_often_people_are_told(wait: int, repeat: int, sentence: str) -> None:
    assert telling_sentence(rule("event", group_wait_seconds=wait, repeat_seconds=repeat)) == sentence


words = st.lists(st.text("abc_/*", min_size=1, max_size=5), max_size=3).map(tuple)


@given(names=words, environments=words, endpoints=words, limit=st.integers(1, 10_000), held=st.integers(0, 10**6))
def test_whatever_is_matched_is_named(
    names: tuple[str, ...], environments: tuple[str, ...], endpoints: tuple[str, ...], limit: int, held: int
) -> None:
    match = Match(names=names, environments=environments, endpoints=endpoints)
    parameters = {"limit": limit, "window_seconds": 60}

    said = rule_sentence(rule("threshold", parameters, match=match, for_seconds=held))

    assert all(word in said for word in (*names, *environments, *endpoints))
    assert f"{limit:,} or more" in said


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            RouteTold(severities=("critical",), channels=("Pager", "E-mail")),
            "Alerts of severity critical go to Pager and E-mail; nothing else is tried.",
        ),
        (
            RouteTold(service_name="lift web", labels={"endpoint": "/api/pay*"}, channels=("Slack",), goes_on=True),
            "All alerts of lift web whose endpoint is /api/pay* go to Slack; the routes behind it are tried, too.",
        ),
        (
            RouteTold(severities=("error", "warning")),
            (
                "Alerts of severity error or warning stop here and nobody is told: no channel that is switched on is on this "
                "route; nothing else is tried."
            ),
        ),
        (
            RouteTold(channels=("Pager",), policy="Night"),
            "All alerts go to Pager and are escalated by policy Night; nothing else is tried.",
        ),
        (RouteTold(policy="Night"), "All alerts are escalated by policy Night; nothing else is tried."),
    ],
)
def test_a_route_says_where_alerts_go(told: RouteTold, sentence: str) -> None:
    assert route_sentence(told) == sentence
