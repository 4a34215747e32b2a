"""The verdict of the overview: one true sentence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from dashboards.pages.overview import verdict
from dashboards.reports.failure_rates import EndpointRate
from dashboards.reports.latency import latency_of
from dashboards.reports.overview import Attention, IssueLine, Overview
from dashboards.reports.question import Filters, Question
from dashboards.statistics import change_of, share_if_known, share_of
from dashboards.window import custom, preset

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def attention(**counts: Any) -> Attention:
    quiet: dict[str, Any] = dict.fromkeys(("unresolved", "critical", "regressed", "others", "new_in_window"), 0)
    return Attention(**{**quiet, "top": [], "burning": None, **counts})


def burning(*, users: int, since: datetime = NOON - timedelta(minutes=138)) -> IssueLine:
    return IssueLine(
        1, 1, "stripe_checkout_error", "stripe_checkout_error: no", "", "critical", 9, users, since, NOON, False
    )


def answer(state: Attention, *, failures: int, endpoints: list[EndpointRate] | None = None) -> Overview:
    none = change_of(0, 0)
    return Overview(
        none, change_of(failures, 0), none, none, share_of(0, 0), 0, share_of(0, 0), endpoints or [], [], state, []
    )


def rate(failed: int, requests: int, failed_before: int, requests_before: int) -> EndpointRate:
    return EndpointRate(
        1, "/api/jobs", requests, failed, False, share_if_known(failed, requests), share_if_known(failed_before, requests_before),
        change_of(failed, failed_before), latency_of(0, None, None, None), users_hurt=7,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "failures", "sentence", "tone"),
    [
        (attention(), 0, "Nothing failed in the last 24 hours. Now: no issue is open.", "good"),
        (
            attention(unresolved=1, others=1),
            0,
            "Nothing failed in the last 24 hours. Now: 1 issue is open.",
            "good",
        ),
        (
            attention(unresolved=2, others=2),
            9,
            "Now: nothing critical; 2 issues are open, none of them new in the last 24 hours.",
            "good",
        ),
        (attention(), 1, "No issue is open; 1 failure in the last 24 hours came to resolved or muted ones.", "good"),
        (
            attention(unresolved=4, others=4, new_in_window=3),
            9,
            "Now: nothing critical is open; 3 issues new in the last 24 hours.",
            "warn",
        ),
        (
            attention(unresolved=1, regressed=1),
            9,
            "Now: 1 issue came back after being resolved; no other issue is open.",
            "warn",
        ),
        (
            attention(unresolved=3, regressed=2, others=1),
            9,
            "Now: 2 issues came back after being resolved; 1 other issue open.",
            "warn",
        ),
        (
            attention(unresolved=1, critical=1),
            0,
            "Now: 1 critical issue is unresolved; no other issue is open. Nothing failed in the last 24 hours.",
            "bad",
        ),
        (
            attention(unresolved=2, critical=2, burning=burning(users=31)),
            40,
            (
                "Now: 2 critical issues are unresolved; stripe_checkout_error has hurt 31 users since 09:42; "
                "no other issue is open."
            ),
            "bad",
        ),
        (
            attention(unresolved=1_204, critical=1, others=1_203, burning=burning(users=0)),
            40,
            "Now: 1 critical issue is unresolved; stripe_checkout_error has gone on since 09:42; 1,203 other issues open.",
            "bad",
        ),
        (
            attention(unresolved=1, critical=1, burning=burning(users=1, since=NOON - timedelta(days=2))),
            40,
            (
                "Now: 1 critical issue is unresolved; stripe_checkout_error has hurt 1 user since 2 Mar, 12:00; "
                "no other issue is open."
            ),
            "bad",
        ),
    ],
)
def test_the_verdict_says_what_is_so(state: Attention, failures: int, sentence: str, tone: str) -> None:
    assert verdict(answer(state, failures=failures), Question(preset("24h", NOON), UTC), now=NOON) == (sentence, tone)


def test_the_verdict_says_that_issues_know_no_environment_and_no_window() -> None:
    span = custom(NOON - timedelta(days=60), NOON - timedelta(days=59), NOON)
    asked = Question(span, UTC, Filters(environments=("nowhere",), release="lift@1"))
    state = attention(unresolved=1, critical=1, burning=burning(users=31))

    assert verdict(answer(state, failures=0), asked, now=NOON)[0] == (
        "Now in all environments and releases: 1 critical issue is unresolved; stripe_checkout_error has hurt 31 users "
        "since 09:42; no other issue is open. Nothing failed in this window."
    )


@pytest.mark.parametrize(
    ("counts", "failures", "sentence"),
    [
        (
            {"unresolved": 3, "critical": 2, "others": 1}, 4,
            "2 critical issues are unresolved; 1 other issue open (in all environments).",
        ),
        ({}, 0, "Nothing failed in the last 24 hours. No issue is open (in all environments)."),
        (
            {"unresolved": 2}, 4,
            "Nothing critical; 2 issues are open, none of them new in the last 24 hours (in all environments).",
        ),
        (
            {"unresolved": 2, "new_in_window": 1}, 4,
            "Nothing critical is open; 1 issue new in the last 24 hours (in all environments).",
        ),
    ],
)  # fmt: skip
def test_a_verdict_for_a_list_of_mails_begins_with_what_is_the_matter(
    counts: dict[str, int], failures: int, sentence: str
) -> None:
    asked = Question(preset("24h", NOON), UTC, Filters(environments=("production",)))

    told, _ = verdict(answer(attention(**counts), failures=failures), asked, now=NOON, when="the last 24 hours")

    assert told == sentence


@pytest.mark.parametrize(
    ("failed", "measured", "said"),
    [
        (90, 0, "(90 failures, no requests measured, 7 users hurt)"),
        (134, 79, "(134 failures, more than the 79 requests measured, 7 users hurt)"),
    ],
)
def test_the_verdict_says_what_is_known_where_requests_are_not_measured(failed: int, measured: int, said: str) -> None:
    asked = Question(preset("24h", NOON), UTC)
    worse = answer(attention(), failures=failed, endpoints=[rate(failed, measured, 2, 0)])
    same = answer(attention(), failures=failed, endpoints=[rate(failed, measured, failed - 3, 0)])

    assert said in verdict(worse, asked, now=NOON)[0]
    assert "/api/jobs" not in verdict(same, asked, now=NOON)[0]


def test_the_verdict_tells_of_an_endpoint_that_fails_more_than_before() -> None:
    asked = Question(preset("24h", NOON), UTC)
    worse = answer(attention(), failures=38, endpoints=[rate(38, 400, 2, 380)])
    same = answer(attention(), failures=38, endpoints=[rate(38, 400, 36, 380)])
    few = answer(attention(), failures=1, endpoints=[rate(1, 2, 0, 3)])

    sentence, tone = verdict(worse, asked, now=NOON)

    assert sentence == (
        "In the last 24 hours /api/jobs failed more than before (38 of 400 requests failed, 7 users hurt). Now: no issue is open."
    )
    assert tone == "warn"
    assert "/api/jobs" not in verdict(same, asked, now=NOON)[0]
    assert "/api/jobs" not in verdict(few, asked, now=NOON)[0]


@pytest.mark.parametrize(
    ("window", "when"), [("1h", "the last hour"), ("7d", "the last 7 days"), ("30d", "the last 30 days")]
)
def test_the_verdict_names_its_window(window: str, when: str) -> None:
    sentence, _ = verdict(answer(attention(), failures=0), Question(preset(window, NOON), UTC), now=NOON)

    assert sentence.startswith(f"Nothing failed in {when}.")


def test_the_verdict_is_in_the_readers_time() -> None:
    state = attention(unresolved=1, critical=1, burning=burning(users=31))

    with timezone.override("Europe/Berlin"):
        sentence, _ = verdict(answer(state, failures=1), Question(preset("24h", NOON), UTC), now=NOON)

    assert "since 10:42" in sentence
