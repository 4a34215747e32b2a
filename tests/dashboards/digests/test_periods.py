"""When digests are due; time is passed in."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.digests.periods import DAY, LONGEST, Kind, Period, Schedule, at_hour, current, due, latest, next_due

BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY, WORKDAYS = (0, 1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 4)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def daily(hour: int = 8, weekdays: tuple[int, ...] = EVERY_DAY, zone: ZoneInfo = BERLIN) -> Schedule:
    return Schedule(hour, weekdays, zone)


def asked(kind: Kind, schedule: Schedule, now: datetime, told_until: datetime | None = None) -> Period | None:
    return due(kind, schedule, now=now, told_until=told_until, since=LONG_AGO)


class TestDue:
    def test_it_is_about_the_time_since_the_last_one(self) -> None:
        found = asked(Kind.DAILY, daily(), at("2026-11-03 08:00"))

        assert found == Period(Kind.DAILY, date(2026, 11, 3), at("2026-11-02 08:00"), at("2026-11-03 08:00"))

    def test_a_second_before_it_is_the_one_of_yesterday(self) -> None:
        found = asked(Kind.DAILY, daily(), at("2026-11-03 08:00") - timedelta(seconds=1))

        assert found is not None
        assert found.day == date(2026, 11, 2)

    def test_mondays_is_about_the_weekend_too(self) -> None:
        found = asked(Kind.DAILY, daily(weekdays=WORKDAYS), at("2026-11-02 08:30"))

        assert found is not None
        assert (found.start, found.end) == (at("2026-10-30 08:00"), at("2026-11-02 08:00"))

    def test_weekly_comes_on_the_first_of_its_days(self) -> None:
        found = asked(Kind.WEEKLY, daily(weekdays=(2, 4)), at("2026-11-06 08:30"))

        assert found is not None
        assert (found.day, found.start) == (date(2026, 11, 4), at("2026-10-28 08:00"))

    def test_monthly_comes_on_the_first(self) -> None:
        found = asked(Kind.MONTHLY, daily(), at("2026-11-20 12:00"))

        assert found is not None
        assert (found.start, found.end) == (at("2026-10-01 08:00"), at("2026-11-01 08:00"))

    def test_what_was_told_is_not_due_again(self) -> None:
        assert asked(Kind.DAILY, daily(), at("2026-11-03 09:00"), at("2026-11-03 08:00")) is None

    def test_a_clock_that_goes_back_brings_none_again(self) -> None:
        assert asked(Kind.DAILY, daily(), at("2026-11-02 09:00"), at("2026-11-03 08:00")) is None

    def test_nothing_is_due_of_before_it_was_asked_for(self) -> None:
        since = at("2026-11-03 08:01")

        assert due(Kind.DAILY, daily(), now=at("2026-11-03 09:00"), told_until=None, since=since) is None
        assert due(Kind.DAILY, daily(), now=at("2026-11-04 09:00"), told_until=None, since=since) is not None

    def test_days_that_were_missed_are_caught_up_once_and_late(self) -> None:
        now = at("2026-11-06 11:00")
        found = asked(Kind.DAILY, daily(), now, at("2026-11-03 08:00"))

        assert found is not None
        assert (found.start, found.end) == (at("2026-11-03 08:00"), at("2026-11-06 08:00"))
        assert found.is_late(now=now)
        assert not found.is_late(now=at("2026-11-06 08:10"))

    def test_after_a_long_absence_it_does_not_tell_of_a_year(self) -> None:
        found = asked(Kind.DAILY, daily(), at("2026-11-06 08:00"), at("2025-11-03 08:00"))

        assert found is not None
        assert found.end - found.start == LONGEST["daily"]


class TestClocks:
    def test_an_hour_that_there_is_not_comes_as_late_as_it_would_have(self) -> None:
        # On 29 March 2026 the clock in Berlin goes from 2:00 to 3:00.
        assert at_hour(date(2026, 3, 29), daily(2)) == datetime(2026, 3, 29, 1, tzinfo=UTC)

    def test_an_hour_that_comes_twice_is_the_first(self) -> None:
        # On 25 October 2026 it goes from 3:00 back to 2:00.
        first = datetime(2026, 10, 25, 0, tzinfo=UTC)

        assert at_hour(date(2026, 10, 25), daily(2)) == first
        told = asked(Kind.DAILY, daily(2), first)
        assert told is not None
        assert asked(Kind.DAILY, daily(2), first + timedelta(hours=1), told.end) is None

    @pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-03", 24)])
    def test_days_are_as_long_as_the_clock_says(self, day: str, hours: int) -> None:
        found = asked(Kind.DAILY, daily(), at(f"{day} 08:00"))

        assert found is not None
        assert found.end - found.start == timedelta(hours=hours)


zones = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC", "Australia/Lord_Howe"]
)
schedules = st.builds(
    Schedule,
    st.integers(0, 23),
    st.lists(st.integers(0, 6), min_size=1, unique=True).map(tuple),
    zones.map(ZoneInfo),
)


@given(
    st.sampled_from(Kind),
    schedules,
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)),
    st.lists(st.integers(1, 4000), max_size=25),
)
def test_whoever_looks_however_often_there_is_one_a_period_and_no_gap_between_them(
    kind: Kind, schedule: Schedule, start: datetime, pauses: list[int]
) -> None:
    now, told = start.replace(tzinfo=UTC), []
    since = now
    for minutes in pauses:
        now += timedelta(minutes=minutes)
        found = due(kind, schedule, now=now, told_until=told[-1].end if told else None, since=since)
        if found is not None:
            told.append(found)
            assert found.end <= now
            assert since <= found.end

    assert len({one.day for one in told}) == len(told)
    # The last digest ends where the next begins, unless the absence was longer than anybody wants to read of.
    assert all(
        later.start == earlier.end or later.end - later.start == LONGEST[kind] for earlier, later in pairwise(told)
    )


@given(st.sampled_from(Kind), schedules, st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)))
def test_the_next_one_is_the_one_that_will_be_due(kind: Kind, schedule: Schedule, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    then = next_due(kind, schedule, now=now)

    assert then > now
    found = due(kind, schedule, now=then, told_until=None, since=LONG_AGO)
    assert found is not None
    assert found.end == then
    assert latest(kind, schedule, now=then) == found
    assert current(kind, schedule, now=then).start == then
    assert then - now <= 33 * DAY
