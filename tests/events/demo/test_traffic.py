from datetime import UTC, datetime, timedelta
from statistics import fmean

from events.demo.traffic import weight

_MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
_WEEK = [_MONDAY + timedelta(hours=hour) for hour in range(7 * 24)]


def test_it_averages_to_one_over_a_week() -> None:
    assert abs(fmean(weight(moment) for moment in _WEEK) - 1) < 1e-9


def test_it_peaks_on_sunday_night() -> None:
    busiest = max(_WEEK, key=weight)

    assert (busiest.strftime("%A"), busiest.hour) == ("Sunday", 21)


def test_it_is_quietest_at_four_on_every_day() -> None:
    for day in range(7):
        hours = _WEEK[day * 24 : day * 24 + 24]
        assert min(hours, key=weight).hour == 4
