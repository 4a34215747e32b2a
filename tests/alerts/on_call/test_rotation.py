"""Whose turn it is: hand-overs by the clock, changes of it, those who stand in, and gaps."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.on_call.rotation import Override, Rotation, Shift, gaps, on_call_at, shifts

BERLIN = ZoneInfo("Europe/Berlin")
ADA, BEN, CLEO = 1, 2, 3
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A Monday.
FIRST = date(2026, 3, 2)


def rotation(*people: int | None, hand_over: time = time(9), **more: object) -> Rotation:
    return Rotation(people or (ADA, BEN, CLEO), BERLIN, FIRST, hand_over, **more)  # type: ignore[arg-type]


def berlin(*words: int) -> datetime:
    return datetime(*words, tzinfo=BERLIN)  # type: ignore[arg-type,misc]


class TestTurns:
    def test_each_has_a_week_in_order_and_then_it_begins_anew(self) -> None:
        weeks = [berlin(2026, 3, 2, 9) + number * 7 * DAY for number in range(4)]

        assert [on_call_at(rotation(), [], at) for at in weeks] == [ADA, BEN, CLEO, ADA]

    def test_it_is_handed_over_at_nine_on_the_clock(self) -> None:
        assert on_call_at(rotation(), [], berlin(2026, 3, 9, 8, 59)) == ADA
        assert on_call_at(rotation(), [], berlin(2026, 3, 9, 9)) == BEN

    def test_it_stays_at_nine_across_both_changes_of_the_clock(self) -> None:
        # The clock goes forward on 29 March and back on 25 October: the weeks are of 167 and 169 hours.
        spring, autumn = rotation().turn_at(berlin(2026, 3, 28, 12)), rotation().turn_at(berlin(2026, 10, 24, 12))
        assert spring is not None
        assert autumn is not None
        for turn, hours in ((spring, 167), (autumn, 169)):
            begins_at, ends_at = rotation().begins_at(turn), rotation().begins_at(turn + 1)
            assert (begins_at.astimezone(BERLIN).hour, ends_at.astimezone(BERLIN).hour) == (9, 9)
            assert ends_at - begins_at == hours * HOUR

    def test_a_time_that_the_clock_skips_is_an_hour_later_and_one_that_comes_twice_is_the_first(self) -> None:
        daily = rotation(ADA, BEN, hand_over=time(2, 30), days=1)

        begins = [daily.begins_at((day - FIRST).days) for day in (date(2026, 3, 29), date(2026, 10, 25))]

        assert begins == [datetime(2026, 3, 29, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]

    def test_nobody_is_on_call_before_it_starts_and_after_it_ended(self) -> None:
        ending = rotation(until_on=date(2026, 3, 16))

        assert on_call_at(ending, [], berlin(2026, 3, 2, 8, 59)) is None
        assert on_call_at(ending, [], berlin(2026, 3, 16, 8, 59)) == BEN
        assert on_call_at(ending, [], berlin(2026, 3, 16, 9)) is None

    def test_the_turn_of_somebody_who_left_is_a_gap_and_moves_nobody(self) -> None:
        left = rotation(ADA, None, CLEO)

        found = gaps(left, [], berlin(2026, 3, 2, 9), berlin(2026, 3, 30, 9))

        assert found == [Shift(None, berlin(2026, 3, 9, 9), berlin(2026, 3, 16, 9))]
        assert on_call_at(left, [], berlin(2026, 3, 16, 9)) == CLEO

    def test_without_people_all_of_it_is_one_gap(self) -> None:
        empty = Rotation((), BERLIN, FIRST, time(9))
        start, end = berlin(2026, 3, 2, 9), berlin(2026, 3, 30, 9)

        assert gaps(empty, [], start, end) == [Shift(None, start, end)]


class TestStandingIn:
    def test_an_override_wins_and_the_turn_goes_on_behind_it(self) -> None:
        cover = Override(CLEO, berlin(2026, 3, 4, 18), berlin(2026, 3, 5, 8))

        found = shifts(rotation(), [cover], berlin(2026, 3, 2, 9), berlin(2026, 3, 9, 9))

        assert [(one.person, one.is_override) for one in found] == [(ADA, False), (CLEO, True), (ADA, False)]
        assert found[1].starts_at == cover.starts_at

    def test_of_two_at_once_the_last_made_wins(self) -> None:
        first = Override(BEN, berlin(2026, 3, 3, 9), berlin(2026, 3, 5, 9))
        last = Override(CLEO, berlin(2026, 3, 4, 9), berlin(2026, 3, 4, 12))

        assert on_call_at(rotation(), [first, last], berlin(2026, 3, 4, 10)) == CLEO
        assert on_call_at(rotation(), [first, last], berlin(2026, 3, 4, 12)) == BEN

    def test_it_covers_what_no_turn_does(self) -> None:
        before = Override(BEN, berlin(2026, 3, 1, 9), berlin(2026, 3, 2, 9))

        assert gaps(rotation(), [before], berlin(2026, 3, 1, 9), berlin(2026, 3, 20, 9)) == []


ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "Africa/Cairo",
    ]
).map(ZoneInfo)
MOMENTS = st.datetimes(datetime(2010, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))
ROTATIONS = st.builds(
    Rotation,
    people=st.lists(st.none() | st.integers(1, 5), max_size=5).map(tuple),
    zone=ZONES,
    first_on=st.dates(date(2010, 1, 1), date(2030, 1, 1)),
    hand_over=st.times().map(lambda one: one.replace(second=0, microsecond=0)),
    days=st.sampled_from([1, 7]),
)
OVERRIDES = st.lists(
    st.builds(
        lambda person, start, hours: Override(person, start, start + timedelta(hours=hours)),
        st.integers(6, 9), MOMENTS, st.integers(1, 400),
    ),
    max_size=4,
)  # fmt: skip


@given(ROTATIONS, OVERRIDES, MOMENTS, st.integers(1, 60 * 24))
def test_shifts_tile_the_span_and_agree_with_every_moment(
    turns: Rotation, overrides: list[Override], start: datetime, hours: int
) -> None:
    end = start + timedelta(hours=hours)
    found = shifts(turns, overrides, start, end)

    assert (found[0].starts_at, found[-1].ends_at) == (start, end)
    assert all(before.ends_at == after.starts_at for before, after in pairwise(found))
    for shift in found:
        assert shift.starts_at < shift.ends_at
        middle = shift.starts_at + (shift.ends_at - shift.starts_at) / 2
        for at in (shift.starts_at, middle, shift.ends_at - timedelta(microseconds=1)):
            assert on_call_at(turns, overrides, at) == shift.person


@given(ROTATIONS, MOMENTS)
def test_every_moment_that_the_rotation_covers_is_in_exactly_one_turn(turns: Rotation, at: datetime) -> None:
    turn = turns.turn_at(at)

    assert (turn is not None) == (bool(turns.people) and at >= turns.begins_at(0))
    if turn is not None:
        assert turns.begins_at(turn) <= at < turns.begins_at(turn + 1)
        assert on_call_at(turns, [], at) == turns.people[turn % len(turns.people)]


@given(ROTATIONS, OVERRIDES, st.data())
def test_an_override_always_wins(turns: Rotation, overrides: list[Override], data: st.DataObject) -> None:
    if not overrides:
        return
    last = overrides[-1]
    seconds = data.draw(st.integers(0, int((last.ends_at - last.starts_at).total_seconds()) - 1))

    assert on_call_at(turns, overrides, last.starts_at + timedelta(seconds=seconds)) == last.person


@given(ROTATIONS, MOMENTS)
def test_hand_overs_are_at_the_time_on_the_clock_or_where_the_clock_skips_it(turns: Rotation, at: datetime) -> None:
    turn = turns.turn_at(at)
    if turn is None:
        return
    local = turns.begins_at(turn).astimezone(turns.zone)
    day = turns.first_on + timedelta(days=turn * turns.days)
    said = datetime.combine(day, turns.hand_over, tzinfo=turns.zone)
    is_skipped = said.astimezone(UTC).astimezone(turns.zone).replace(tzinfo=None) != said.replace(tzinfo=None)
    assert is_skipped or (local.date(), local.time()) == (day, turns.hand_over)
