from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.conditions import (
    BURN_WINDOWS,
    AbsenceCondition,
    BurnRateCondition,
    ConditionError,
    Counted,
    Earlier,
    EscalatingCondition,
    LatencyCondition,
    SpikeCondition,
    ThresholdCondition,
    condition_of,
    spoken,
)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("event", {}),
        ("new_issue", {}),
        ("threshold", {"limit": 5, "window_seconds": 300}),
        ("threshold", {"limit": 0.05, "window_seconds": 300, "measure": "failure_ratio", "least_volume": 20}),
        ("latency", {"limit_ms": 1000, "window_seconds": 600, "percentile": 99}),
        ("spike", {"window_seconds": 3600}),
        ("escalating", {"times": 3}),
        ("absence", {"window_seconds": 900}),
        ("burn_rate", {"objective": 0.995}),
        ("cascade", {}),
    ],
)
def test_parameters_that_say_something(kind: str, parameters: dict[str, Any]) -> None:
    condition = condition_of(kind, parameters)

    assert all(getattr(condition, name) == value for name, value in parameters.items())


@pytest.mark.parametrize(
    ("kind", "parameters", "parameter", "words"),
    [
        ("event", {"limit": 3}, "limit", "no parameter 'limit'. Known are none."),
        ("threshold", {"limit": 5}, "window_seconds", "window_seconds is missing"),
        ("threshold", {"limit": "5", "window_seconds": 300}, "limit", "limit is a number"),
        ("threshold", {"limit": True, "window_seconds": 300}, "limit", "limit is a number"),
        ("threshold", {"limit": float("nan"), "window_seconds": 300}, "limit", "limit is a number"),
        ("threshold", {"limit": 5, "window_seconds": 10}, "window_seconds", "from 60 to"),
        ("threshold", {"limit": 5, "window_seconds": 90.5}, "window_seconds", "whole number"),
        ("threshold", {"limit": 5, "window_seconds": 90, "measure": "tears"}, "measure", "one of events, users"),
        ("burn_rate", {"objective": 1}, "objective", "from 0.5 to 0.99999"),
    ],
)
def test_parameters_that_say_nothing_are_named(
    kind: str, parameters: dict[str, Any], parameter: str, words: str
) -> None:
    with pytest.raises(ConditionError, match=words) as caught:
        condition_of(kind, parameters)

    assert caught.value.parameter == parameter


def test_a_threshold_of_events_holds_from_its_limit_on() -> None:
    condition = ThresholdCondition(5, 300)

    assert [condition.judge(Counted(events=number)).holds for number in (0, 4, 5, 6)] == [False, False, True, True]
    assert condition.judge(Counted(events=1_200)).sentence == "1,200 events in 5 minutes, limit 5."


def test_a_threshold_of_users_counts_people() -> None:
    condition = ThresholdCondition(3, 3600, "users")

    assert not condition.judge(Counted(events=90, users=2)).holds
    assert condition.judge(Counted(events=3, users=3)).sentence == "3 users hurt in 1 hour, limit 3."


def test_a_share_of_failures_needs_volume() -> None:
    condition = ThresholdCondition(0.1, 300, "failure_ratio", least_volume=20)

    few = condition.judge(Counted(requests=19, failures=19))
    enough = condition.judge(Counted(requests=20, failures=2))
    assert (few.holds, few.is_known) == (False, False)
    assert (enough.holds, enough.value) == (True, 0.1)
    assert enough.sentence == "2 of 20 requests failed in 5 minutes (10.0 %, limit 10 %)."


def test_more_failures_than_requests_are_all_of_them() -> None:
    judged = ThresholdCondition(0.5, 300, "failure_ratio").judge(Counted(requests=4, failures=9))

    assert judged.value == 1.0


def test_a_percentile_is_the_first_bucket_that_reaches_it() -> None:
    condition = LatencyCondition(1000, 600, percentile=90, least_volume=10)

    judged = condition.judge(Counted(latencies={100: 9, 200: 1, 300: 0}), lambda bucket: bucket * 10.0)
    slow = condition.judge(Counted(latencies={100: 8, 200: 2}), lambda bucket: bucket * 10.0)
    few = condition.judge(Counted(latencies={900: 9}), lambda bucket: bucket * 10.0)

    assert (judged.holds, judged.value) == (False, 1000.0)
    assert (slow.holds, slow.value) == (True, 2000.0)
    assert not few.is_known


WORKING_DAYS = Earlier((1, 2, 3, 6), "working days", 3)


def test_a_spike_needs_history_and_says_so() -> None:
    judged = SpikeCondition(3600, least_history=3).judge(10_000, [5, 5], WORKING_DAYS)

    assert (judged.holds, judged.is_known) == (False, False)
    assert judged.sentence == "10,000 events in 1 hour; 2 earlier working days are known, 3 are needed."


@pytest.mark.parametrize(
    ("known_days", "weekday", "least", "days_ago", "name"),
    [
        (30, 1, 3, (7, 14, 21, 28), "Tuesdays"),
        (21, 6, 3, (7, 14, 21), "Sundays"),
        (21, 6, 4, (1, 7, 8, 14), "weekend days"),  # four weeks were asked for
        (28, 6, 4, (7, 14, 21, 28), "Sundays"),
        (20, 0, 3, (3, 4, 5, 6, 7, 10, 11, 12, 13, 14), "working days"),  # of Monday: not the weekend before
        (6, 4, 3, (1, 2, 3, 4), "working days"),
        (9, 5, 2, (6, 7), "weekend days"),
        (0, 2, 3, (), "working days"),
        (90, 2, 9, (1, 2, 5, 6, 7, 8, 9, 12, 13, 14), "working days"),  # more than weeks are looked at
    ],
)
def test_a_spike_is_held_against_weekdays_and_until_there_are_enough_against_days_that_are_alike(
    known_days: int, weekday: int, least: int, days_ago: tuple[int, ...], name: str
) -> None:
    earlier = SpikeCondition(3600, least_history=least).earlier(known_days, weekday)

    assert (earlier.days_ago, earlier.name) == (days_ago, name)


def test_a_fortnight_has_four_weekend_days_and_no_more_are_asked_for() -> None:
    assert SpikeCondition(3600, least_history=9).earlier(90, 5).least == 4
    assert SpikeCondition(3600, least_history=28).earlier(90, 1).least == 10


def test_a_spike_says_what_it_is_held_against() -> None:
    condition = SpikeCondition(3600)
    judged = condition.judge(300, [100, 110, 90, 105], condition.earlier(40, 1))

    assert judged.sentence == "300 events in 1 hour, usually 102 at this time of 4 earlier Tuesdays; limit 205."


@pytest.mark.parametrize(
    ("now", "earlier", "holds"),
    [
        (300, [100, 110, 90, 105], True),
        (150, [100, 110, 90, 105], False),  # not twice as many
        (9, [0, 0, 0, 0], False),  # fewer than anybody should be woken for
        (11, [0, 0, 0, 0], True),
        (13, [4, 5, 6, 5], False),  # twice as many, but within what chance brings
        (900, [100, 900, 90, 105, 95], True),  # one day with an attack of its own is not usual
        (230, [40, 100, 160, 20, 180], False),  # it scatters that much
    ],
)
def test_a_spike_is_beyond_what_is_usual(now: int, earlier: list[int], *, holds: bool) -> None:
    assert SpikeCondition(3600).judge(now, earlier, WORKING_DAYS).holds is holds


@pytest.mark.parametrize(
    ("this_hour", "earlier", "holds"),
    [
        (500, [3] * 23, False),  # younger than a day
        (500, [3] * 24, True),
        (19, [0] * 30, False),  # beyond what is usual, and too few to matter
        (21, [0] * 30, True),
        (70, [50] * 90 + [400] * 2, False),  # not twice as many
        (120, [50] * 90 + [400] * 2, True),  # one bad night is not usual
        (120, [50] * 90 + [400] * 10, False),  # many are
    ],
)
def test_an_issue_escalates_beyond_its_own_past(this_hour: int, earlier: list[int], *, holds: bool) -> None:
    assert EscalatingCondition().judge(this_hour, earlier).holds is holds


def test_absence_is_not_claimed_of_what_was_never_heard() -> None:
    condition = AbsenceCondition(900)

    assert [condition.judge(seconds).holds for seconds in (None, 0, 899, 900)] == [False, False, False, True]
    assert condition.judge(3600).sentence == "Nothing for 1 hour, limit 15 minutes."


def test_a_budget_that_burns_in_both_windows_holds() -> None:
    condition = BurnRateCondition(0.99, least_volume=10)
    calm = Counted(requests=10_000, failures=10)
    burning = Counted(requests=1_000, failures=200)
    windows = {seconds: calm for long, short, _ in BURN_WINDOWS for seconds in (long, short)}

    assert not condition.judge(windows).holds
    # The long window still remembers what is over by now.
    assert not condition.judge({**windows, 3600: burning}).holds
    judged = condition.judge({**windows, 3600: burning, 300: burning})
    assert judged.holds
    assert "20.0 times too fast over 1 hour and 20.0 times over 5 minutes; limit 14.4." in judged.sentence


def test_a_fast_pace_is_not_found_in_what_burns_for_days() -> None:
    smouldering = Counted(requests=10_000, failures=200)
    windows = {seconds: smouldering for long, short, _ in BURN_WINDOWS for seconds in (long, short)}

    assert [BurnRateCondition(0.99, pace=pace).judge(windows).holds for pace in ("any", "fast", "slow")] == [
        True, False, True,
    ]  # fmt: skip


def test_a_budget_of_too_few_requests_says_so() -> None:
    windows = {seconds: Counted(requests=3, failures=3) for long, short, _ in BURN_WINDOWS for seconds in (long, short)}

    assert not BurnRateCondition(0.99).judge(windows).is_known


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**9), max_size=30))
def test_a_spike_never_stops_being_one_when_there_is_more(now: int, earlier: list[int]) -> None:
    condition = SpikeCondition(3600)

    if condition.judge(now, earlier, WORKING_DAYS).holds:
        assert condition.judge(now + 1, earlier, WORKING_DAYS).holds


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (30, "30 seconds"),
        (60, "1 minute"),
        (90, "2 minutes"),
        (300, "5 minutes"),
        (3600, "1 hour"),
        (86400, "1 day"),
        (7 * 86400, "7 days"),
    ],
)
def test_spans_in_words(seconds: int, words: str) -> None:
    assert spoken(seconds) == words
