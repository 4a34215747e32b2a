"""New, rising, falling: what is said of a count, and what it is compared with."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.reports.trends import DAYS, FEWEST_DAYS, WINDOWS, earlier_spans, trend_of
from dashboards.window import custom, preset
from tests.dashboards.reports.random_events import NOW, ZONES

COUNTS = st.integers(0, 100_000)
ORDER = {"falling": 0, "usual": 1, "rising": 2}


def kind_of(now: int, earlier: list[int], *, is_known: bool = True) -> str:
    return trend_of(now, earlier, is_known=is_known).kind


@pytest.mark.parametrize(
    ("now", "earlier", "kind"),
    [
        (120, [100, 110, 95, 105, 102, 98, 104], "usual"),
        (160, [100, 110, 95, 105, 102, 98, 104], "rising"),
        (50, [100, 110, 95, 105, 102, 98, 104], "falling"),
        # A few events more or less are chance.
        (4, [0, 0, 0, 0, 0, 0, 0], "usual"),
        (5, [0, 0, 0, 0, 0, 0, 0], "rising"),
        (4, [1, 0, 2, 1, 1, 0, 3], "usual"),
        (0, [1, 0, 2, 1, 1, 0, 3], "usual"),
        (12, [1, 0, 2, 1, 1, 0, 3], "rising"),
        (0, [12, 9, 14, 11, 8, 12, 10], "falling"),
        # One bad day, or two, are not what is usual.
        (160, [100, 5000, 95, 105, 102, 98, 104], "rising"),
        (160, [100, 5000, 95, 105, 9000, 98, 104], "rising"),
        # What always scatters must rise by more than that.
        (160, [40, 150, 90, 200, 20, 120, 100], "usual"),
        # Small changes of large counts help nobody.
        (110_000, [100_000, 100_100, 99_900], "usual"),
        (131_000, [100_000, 100_100, 99_900], "rising"),
    ],
)
def test_it_says_what_a_person_would(now: int, earlier: list[int], kind: str) -> None:
    assert kind_of(now, earlier) == kind


def test_it_is_new_when_there_was_none_at_any_hour() -> None:
    assert kind_of(1, [0] * 7, is_known=False) == "new"
    assert kind_of(1, [0] * 7, is_known=True) == "usual"
    assert kind_of(1, [0, 0, 1], is_known=False) == "usual"
    assert kind_of(0, [0] * 7, is_known=False) == "usual"


def test_it_tells_what_is_usual() -> None:
    trend = trend_of(9, [4, 1, 1000, 2], is_known=True)

    assert (trend.usual, trend.days) == (3.0, 4)


@given(COUNTS, st.lists(COUNTS, max_size=FEWEST_DAYS - 1), st.booleans())
def test_it_says_nothing_of_fewer_than_three_days(now: int, earlier: list[int], is_known: bool) -> None:
    trend = trend_of(now, earlier, is_known=is_known)

    assert (trend.kind, trend.usual, trend.days) == ("unknown", None, len(earlier))


@given(COUNTS, COUNTS, st.lists(COUNTS, min_size=FEWEST_DAYS, max_size=DAYS))
def test_more_events_never_look_like_less(one: int, other: int, earlier: list[int]) -> None:
    low, high = sorted((one, other))

    assert ORDER[kind_of(low, earlier)] <= ORDER[kind_of(high, earlier)]


@given(COUNTS, st.lists(COUNTS, min_size=FEWEST_DAYS, max_size=DAYS), st.randoms(), st.booleans())
def test_the_order_of_days_does_not_matter(now: int, earlier: list[int], random: object, is_known: bool) -> None:
    shuffled = list(earlier)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert trend_of(now, shuffled, is_known=is_known) == trend_of(now, earlier, is_known=is_known)


@given(st.lists(COUNTS, min_size=FEWEST_DAYS, max_size=DAYS))
def test_what_was_usual_is_usual(earlier: list[int]) -> None:
    middle = sorted(earlier)[len(earlier) // 2]

    if len(earlier) % 2:
        assert kind_of(middle, earlier) == "usual"


@given(COUNTS, st.lists(st.integers(0, 1000), min_size=5, max_size=DAYS), st.integers(0, 10**9))
def test_a_single_wild_day_moves_what_is_usual_to_a_neighbour_at_most(now: int, earlier: list[int], wild: int) -> None:
    ranked = sorted(earlier)
    half = len(ranked) // 2

    usual = trend_of(now, [wild, *earlier[1:]], is_known=True).usual

    assert usual is not None
    assert ranked[max(0, half - 2)] <= usual <= ranked[min(len(ranked) - 1, half + 1)]


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_is_compared_with_the_same_hours_of_the_seven_days_before(zone: str) -> None:
    reader = ZoneInfo(zone)
    for name in ("1h", "24h"):
        window = preset(name, NOW)

        spans = earlier_spans(window, reader)

        assert len(spans) == DAYS
        for days, span in enumerate(spans, start=1):
            then, now = span.start.astimezone(reader), window.start.astimezone(reader)
            off_by = now.replace(tzinfo=None) - timedelta(days=days) - then.replace(tzinfo=None)
            # A day is compared with days from the full hour on.
            assert timedelta() <= off_by < (timedelta(hours=1) if name == "24h" else timedelta(seconds=1))
            assert (now.date() - then.date()) == timedelta(days=days)
            # The day before ends where the window begins, and in the night of the clocks an hour sooner.
            assert window.span.length - timedelta(hours=2) < span.length <= window.span.length
            assert span.end <= window.start


def test_the_night_of_the_clocks_is_an_hour_shorter_and_overlaps_nothing() -> None:
    # Berlin, 29 March 2026: the day that the window begins on has 23 hours.
    now = datetime(2026, 3, 30, 1, 0, tzinfo=UTC)

    (yesterday, *_) = earlier_spans(preset("24h", now), ZoneInfo("Europe/Berlin"))

    assert yesterday.end == preset("24h", now).start
    assert yesterday.length == timedelta(hours=23)


@given(st.integers(25 * 60, 60 * 24 * 60), st.integers(0, 60 * 24 * 20), st.sampled_from(ZONES))
def test_longer_windows_are_compared_with_the_windows_before(minutes: int, ago: int, zone: str) -> None:
    end = NOW - timedelta(minutes=ago)
    window = custom(end - timedelta(minutes=minutes), end, NOW)

    spans = earlier_spans(window, ZoneInfo(zone))

    assert len(spans) == WINDOWS
    edge = window.start
    for span in spans:
        assert span.end == edge
        assert abs(span.length - window.span.length) <= timedelta(days=1)
        edge = span.start
