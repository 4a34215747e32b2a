"""Uptime, against a count second by second."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alerts.statuspage.levels import Level
from alerts.statuspage.uptime import WEIGHTS, Span, uptime

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_component_that_never_failed_is_up() -> None:
    found = uptime([], since=LONG_AGO, now=NOW)

    assert (found.share, found.percentage, len(found.days)) == (1.0, "100 %", 90)
    assert {one.worst for one in found.days} == {Level.OPERATIONAL}
    assert (found.days[0].day.isoformat(), found.days[-1].day.isoformat()) == ("2026-08-31", "2026-11-28")
    assert found.days[-1].measured_seconds == 12 * 3600


def test_a_major_outage_counts_whole_and_a_partial_one_by_three_tenths() -> None:
    measured = 89.5 * 86400
    major = uptime([Span(Level.MAJOR, NOW - HOUR, NOW)], since=LONG_AGO, now=NOW)
    partial = uptime([Span(Level.PARTIAL, NOW - HOUR, NOW)], since=LONG_AGO, now=NOW)

    assert major.share == pytest.approx(1 - 3600 / measured)
    assert partial.share == pytest.approx(1 - 0.3 * 3600 / measured)
    assert major.percentage == "99.95 %"


@pytest.mark.parametrize("level", [Level.DEGRADED, Level.MAINTENANCE])
def test_what_is_slow_or_announced_is_shown_and_not_counted(level: Level) -> None:
    found = uptime([Span(level, NOW - HOUR)], since=LONG_AGO, now=NOW)

    assert found.percentage == "100 %"
    assert found.days[-1].worst is level


def test_a_second_of_outage_is_never_rounded_up_to_a_hundred() -> None:
    found = uptime([Span(Level.MAJOR, NOW - timedelta(seconds=1), NOW)], since=LONG_AGO, now=NOW)

    assert found.percentage == "99.99 %"


def test_days_before_it_existed_are_no_data() -> None:
    since = NOW - DAY
    found = uptime([Span(Level.MAJOR, NOW - 5 * DAY)], since=since, now=NOW)

    assert [one.worst for one in found.days[-3:]] == [None, Level.MAJOR, Level.MAJOR]
    assert sum(one.measured_seconds for one in found.days) == 86400
    assert (found.share, found.percentage) == (0.0, "0.00 %")


def test_one_that_begins_later_has_no_data() -> None:
    found = uptime([], since=NOW + HOUR, now=NOW)

    assert (found.share, found.percentage) == (None, "no data")
    assert {one.worst for one in found.days} == {None}


def test_an_outage_past_midnight_is_on_both_days() -> None:
    midnight = datetime(2026, 11, 20, tzinfo=UTC)
    found = uptime([Span(Level.MAJOR, midnight - HOUR, midnight + 2 * HOUR)], since=LONG_AGO, now=NOW)

    by_day = {one.day.isoformat(): one.seconds.get(Level.MAJOR, 0) for one in found.days}
    assert (by_day["2026-11-19"], by_day["2026-11-20"], by_day["2026-11-21"]) == (3600, 7200, 0)


_MINUTES = 3 * 24 * 60
_spans = st.lists(
    st.tuples(
        st.sampled_from(list(Level)),
        st.integers(-100, _MINUTES),
        st.one_of(st.none(), st.integers(-100, _MINUTES + 99)),
    ),
    max_size=8,
)


# Slow is the machine, when others use it, too.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_spans, st.integers(-50, _MINUTES))
def test_it_says_what_counting_minute_by_minute_says(spans: list[tuple[Level, int, int | None]], since: int) -> None:
    start, now = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, 23, 59, tzinfo=UTC)
    minutes = int((now - start).total_seconds() // 60)

    def at(minute: int) -> datetime:
        return start + timedelta(minutes=minute)

    found = uptime(
        [Span(level, at(begin), None if end is None else at(end)) for level, begin, end in spans],
        since=at(since), now=now, days=3,
    )  # fmt: skip

    measured = range(max(since, 0), minutes)
    worst = {
        minute: max(
            (level for level, begin, end in spans if begin <= minute and (end is None or minute < end)),
            default=Level.OPERATIONAL,
        )
        for minute in measured
    }
    down = sum(WEIGHTS.get(level, 0) for level in worst.values())
    assert sum(one.measured_seconds for one in found.days) == 60 * len(measured)
    for number, day in enumerate(found.days):
        of_day = [worst[minute] for minute in measured if minute // 1440 == number]
        assert day.worst == (max(of_day) if of_day else None)
        for level in list(Level)[1:]:
            assert day.seconds.get(level, 0) == 60 * of_day.count(level)
    if measured:
        assert found.share == pytest.approx(1 - down / len(measured))
        assert (found.percentage == "100 %") == (down == 0)
    else:
        assert found.share is None
