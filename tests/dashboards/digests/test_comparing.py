"""Numbers against the time before, in words."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboards.digests.sections.comparing import before_of, compared, in_brief, is_worse, share_compared, times, within
from dashboards.statistics import share_of
from dashboards.window import Span, Window

START = datetime(2026, 3, 1, tzinfo=UTC)


def window(**length: float) -> Window:
    return Window("custom", Span(START, START + timedelta(**length)), START + timedelta(days=60))


@pytest.mark.parametrize(
    ("length", "before", "during"),
    [
        ({"hours": 24}, "the day before", "the last 24 hours"),
        ({"hours": 23}, "the day before", "the last 24 hours"),
        ({"days": 3}, "the 3 days before", "the last 3 days"),
        ({"days": 7, "hours": 1}, "the week before", "the last 7 days"),
        ({"days": 28}, "the month before", "the last month"),
        ({"days": 31, "hours": 1}, "the month before", "the last month"),
        ({"hours": 5}, "the 5 hours before", "the last 5 hours"),
        ({"minutes": 40}, "the hour before", "the last hour"),
    ],
)
def test_the_time_before_has_a_name(length: dict[str, float], before: str, during: str) -> None:
    assert before_of(window(**length)) == before
    assert within(window(**length)) == during


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (42, 14, ", 3 × the day before (14)"),
        (35, 14, ", 2.5 × the day before (14)"),
        (2400, 100, ", 24 × the day before (100)"),
        (20, 14, ", 14 the day before"),
        (3, 1400, ", 1,400 the day before"),
        (14, 14, ", as many as the day before"),
        (14, 0, ", none the day before"),
    ],
)
def test_a_number_is_told_against_the_one_before(now: int, before: int, said: str) -> None:
    assert compared(now, before, "the day before") == said
    assert compared(now, before, "") == ""


def test_nothing_is_compared_with_a_time_of_which_nothing_is_known() -> None:
    assert in_brief(3, "") == ""
    assert in_brief(1300, "the day before") == ", 1,300 before"
    assert share_compared(share_of(1, 4), share_of(0, 0), "the day before") == "25 %"


def test_a_share_is_more_when_that_is_beyond_chance() -> None:
    much, little = share_of(50, 100), share_of(5, 100)

    assert share_compared(much, little, "before") == "50 % (more than 5.0 % before)"
    assert share_compared(little, much, "before") == "5.0 % (less than 50 % before)"
    assert share_compared(share_of(5, 100), share_of(4, 100), "before") == "5.0 % (4.0 % before)"
    assert is_worse(much, little)
    assert not is_worse(little, much)


def test_times_have_a_decimal_where_it_says_something() -> None:
    assert [times(one) for one in (2.04, 2.4, 9.96, 12.3, 1234)] == ["2 ×", "2.4 ×", "10 ×", "12 ×", "1,234 ×"]
