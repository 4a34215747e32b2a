from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.window import (
    COUNT_MINUTES_BACK,
    DAY,
    FIVE_MINUTES,
    HOUR,
    MINUTE,
    PRESETS,
    Piece,
    Pieces,
    Span,
    WindowError,
    custom,
    cut,
    floor,
    midnight_of,
    pieces,
    preset,
)

NOW = datetime(2026, 3, 30, 10, 17, 42, tzinfo=UTC)
BERLIN, KATHMANDU, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/New_York")
ZONES = st.sampled_from([ZoneInfo("UTC"), BERLIN, KATHMANDU, NEW_YORK, ZoneInfo("Australia/Lord_Howe")])
MINUTES_AGO = st.integers(0, 40 * 24 * 60)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_ends_with_this_minute_and_is_as_long_as_it_says(name: str) -> None:
    window = preset(name, NOW)

    assert window.end == datetime(2026, 3, 30, 10, 18, tzinfo=UTC)
    assert PRESETS[name] <= window.span.length < PRESETS[name] + HOUR
    assert window.before.end == window.start
    assert window.before.length >= window.span.length - HOUR


@given(back=MINUTES_AGO, length=st.integers(1, 40 * 24 * 60), zone=ZONES)
def test_steps_and_pieces_cover_the_window_without_gap_or_overlap(back: int, length: int, zone: ZoneInfo) -> None:
    end = NOW - back * MINUTE
    window = custom(end - length * MINUTE, end, NOW)

    steps = window.steps(zone)
    found = pieces(steps, NOW, minutes_back=COUNT_MINUTES_BACK)

    assert [step.end for step in steps[:-1]] == [step.start for step in steps[1:]]
    assert (steps[0].start, steps[-1].end) == (window.start, window.end)
    assert len(steps) <= 200
    stretches = sorted(
        (piece.start, piece.end) for grain in (found.minutes, found.hours, found.days) for piece in grain
    )
    assert [end for _, end in stretches[:-1]] == [start for start, _ in stretches[1:]]
    # Up to now is all of today: what is to come has not been counted.
    reached = window.end if window.end < NOW else midnight_of(NOW.date() + DAY, UTC)
    assert (stretches[0][0], stretches[-1][1]) == (window.start, reached)
    for grain, length_of in ((found.minutes, MINUTE), (found.hours, HOUR), (found.days, DAY)):
        assert all(floor(piece.start, length_of) == piece.start for piece in grain)
        assert all(floor(piece.end, length_of) == piece.end for piece in grain)


@given(back=MINUTES_AGO, length=st.integers(1, 40 * 24 * 60), zone=ZONES)
def test_what_is_kept_by_five_minutes_takes_the_place_of_minutes(back: int, length: int, zone: ZoneInfo) -> None:
    end = NOW - back * MINUTE
    window = custom(end - length * MINUTE, end, NOW)
    steps = window.steps(zone)

    plain, found = pieces(steps, NOW), pieces(steps, NOW, has_fives=True)

    assert (found.hours, found.days) == (plain.hours, plain.days)
    assert minutes_of([*found.minutes, *found.fives]) == minutes_of(plain.minutes)
    assert all(floor(at, FIVE_MINUTES) == at for piece in found.fives for at in (piece.start, piece.end))
    # Minutes alone at either end of what a step has of an hour.
    assert all(piece.end - piece.start < FIVE_MINUTES or window.step < FIVE_MINUTES for piece in found.minutes)


def minutes_of(stretches: list[Piece]) -> list[tuple[int, datetime]]:
    """Every minute and its place, in order."""
    return sorted(
        (piece.place, piece.start + number * MINUTE)
        for piece in stretches
        for number in range((piece.end - piece.start) // MINUTE)
    )


@given(back=MINUTES_AGO, length=st.integers(1, 40 * 24 * 60), zone=ZONES, has_fives=st.booleans())
def test_what_a_day_or_an_hour_has_too_many_is_taken_away_again(
    back: int, length: int, zone: ZoneInfo, *, has_fives: bool
) -> None:
    end = NOW - back * MINUTE
    window = custom(end - length * MINUTE, end, NOW)
    steps = window.steps(zone)

    plain = pieces(steps, NOW, minutes_back=COUNT_MINUTES_BACK)
    signed = pieces(steps, NOW, minutes_back=COUNT_MINUTES_BACK, has_fives=has_fives, may_take_away=True)

    assert levels_of(signed) == levels_of(plain)
    for grain, length_of in ((signed.hours, HOUR), (signed.days, DAY)):
        assert all(
            floor(piece.start, length_of) == piece.start < piece.end == floor(piece.end, length_of) for piece in grain
        )
    # Half a day at either end of each, and half an hour; hours that are to come have no rows.
    assert all(min(piece.end, NOW + HOUR) - piece.start <= DAY / 2 for piece in signed.hours)
    assert all(piece.end - piece.start <= HOUR / 2 for piece in signed.minutes if piece.sign < 0)


def levels_of(found: Pieces) -> dict[tuple[int, datetime], int]:
    """How often time counts for each place, from each moment on at which that changes."""
    counts: Counter[tuple[int, datetime]] = Counter()
    for piece in (*found.minutes, *found.fives, *found.hours, *found.days):
        counts[piece.place, piece.start] += piece.sign
        counts[piece.place, piece.end] -= piece.sign
    reached: dict[tuple[int, datetime], int] = {}
    for place in {place for place, _ in counts}:
        edges = sorted((at, change) for (of_place, at), change in counts.items() if of_place == place)
        level = 0
        for at, change in edges:
            level += change
            if change:
                reached[place, at] = level
    return reached


@given(back=MINUTES_AGO, length=st.integers(1, 40 * 24 * 60))
def test_a_span_costs_a_bounded_number_of_buckets(back: int, length: int) -> None:
    end = NOW - back * MINUTE
    window = custom(end - length * MINUTE, end, NOW)

    found = pieces([window.span], NOW)

    assert sum((piece.end - piece.start) // MINUTE for piece in found.minutes) < 120
    assert sum((piece.end - piece.start) // HOUR for piece in found.hours) < 48
    assert len(found.minutes) + len(found.hours) + len(found.days) <= 5


def test_days_are_the_readers_also_when_the_clocks_change() -> None:
    span = Span(datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 30, 12, tzinfo=UTC))

    steps = cut(span, DAY, BERLIN)

    # The 29th has 23 hours there.
    assert [(step.start.hour, step.end.hour) for step in steps] == [(12, 23), (23, 22), (22, 12)]
    assert steps[1].length == timedelta(hours=23)


def test_hours_are_hours_on_the_day_of_25() -> None:
    span = Span(datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 23, tzinfo=UTC))

    assert len(cut(span, HOUR, BERLIN)) == 25


@pytest.mark.parametrize(("days_ago", "step"), [(1, MINUTE), (20, HOUR), (200, DAY)])
def test_steps_are_never_finer_than_what_is_kept(days_ago: int, step: timedelta) -> None:
    end = NOW - timedelta(days=days_ago)
    window = custom(end - 2 * HOUR, end, NOW)

    assert window.step == step
    assert all(one.length <= step for one in window.steps(KATHMANDU))


def test_half_hours_of_a_zone_are_made_of_minutes() -> None:
    window = preset("30d", NOW)

    found = pieces(window.steps(KATHMANDU), NOW, minutes_back=COUNT_MINUTES_BACK)

    assert {piece.start.minute for piece in found.minutes} >= {0, 15}
    assert all(piece.end - piece.start <= 2 * HOUR for piece in found.minutes)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (NOW, NOW - HOUR, "before it starts"),
        (NOW + HOUR, NOW + 2 * HOUR, "future"),
        (NOW - timedelta(days=500), NOW, "400 days"),
        (NOW - timedelta(days=900), NOW - timedelta(days=899), "400 days"),
    ],
)
def test_what_is_no_window_is_refused_with_words(start: datetime, end: datetime, words: str) -> None:
    with pytest.raises(WindowError, match=words):
        custom(start, end, NOW)
