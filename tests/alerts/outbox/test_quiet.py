"""Quiet hours by the clock of a zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.outbox.quiet import LONGEST, Quiet, days_in_words, quiet_until

BERLIN = ZoneInfo("Europe/Berlin")
ALL = frozenset(range(7))
NIGHT = Quiet(time(22), time(7), ALL, BERLIN)


def berlin(*words: int) -> datetime:
    return datetime(*words, tzinfo=BERLIN)  # type: ignore[arg-type,misc]


def test_a_night_ends_in_the_morning() -> None:
    assert quiet_until([NIGHT], berlin(2026, 11, 27, 23)) == berlin(2026, 11, 28, 7)
    assert quiet_until([NIGHT], berlin(2026, 11, 28, 6, 59)) == berlin(2026, 11, 28, 7)


def test_outside_of_them_nothing_waits() -> None:
    for at in (berlin(2026, 11, 28, 7), berlin(2026, 11, 28, 21, 59)):
        assert quiet_until([NIGHT], at) == at


def test_the_morning_stays_at_seven_when_the_clock_changes() -> None:
    # Forward in the night to 29 March: 23:00 to 07:00 are seven hours; back in the night to 25 October: nine.
    for begin, hours in ((berlin(2026, 3, 28, 23), 7), (berlin(2026, 10, 24, 23), 9)):
        end = quiet_until([NIGHT], begin)
        assert end.astimezone(BERLIN).hour == 7
        assert end - begin.astimezone(UTC) == timedelta(hours=hours)


def test_the_weekday_is_the_one_on_which_they_begin() -> None:
    friday_night = Quiet(time(22), time(7), frozenset({4}), BERLIN)

    assert quiet_until([friday_night], berlin(2026, 11, 28, 3)) == berlin(2026, 11, 28, 7)
    saturday = berlin(2026, 11, 28, 23)
    assert quiet_until([friday_night], saturday) == saturday


def test_spans_that_meet_are_one() -> None:
    weekend = Quiet(time(), time(), frozenset({5, 6}), BERLIN)

    # From Friday night through the weekend to Monday morning.
    assert quiet_until([NIGHT, weekend], berlin(2026, 11, 27, 23)) == berlin(2026, 11, 30, 7)


def test_who_is_always_quiet_is_told_after_a_week() -> None:
    at = berlin(2026, 11, 28, 12)

    assert quiet_until([Quiet(time(), time(), ALL, BERLIN)], at) == at + LONGEST


def test_they_are_told_in_words() -> None:
    assert NIGHT.in_words() == "22:00 to 07:00 every day (Europe/Berlin)"
    assert Quiet(time(), time(), frozenset({5, 6}), BERLIN).in_words() == "all day at weekends (Europe/Berlin)"
    assert days_in_words([4, 0, 2]) == "on Monday, Wednesday and Friday"


QUIETS = st.lists(
    st.builds(
        Quiet,
        begins=st.times(), ends=st.times(), weekdays=st.frozensets(st.integers(0, 6)),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]).map(ZoneInfo),
    ),
    max_size=3,
)  # fmt: skip


@given(QUIETS, st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_at_the_end_nobody_is_quiet_and_until_then_somebody_is(quiets: list[Quiet], at: datetime) -> None:
    until = quiet_until(quiets, at)

    assert at <= until <= at + LONGEST
    assert until == at + LONGEST or all(quiet.end_of(until) is None for quiet in quiets)
    if until > at:
        last = until - timedelta(microseconds=1)
        assert any(quiet.end_of(one) is not None for quiet in quiets for one in (at, last))
