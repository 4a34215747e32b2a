from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from events.event_ids import lowest_id, occurred_at_of, uuid7

moments = st.datetimes(datetime(1990, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


@given(moments)
def test_an_id_tells_its_millisecond(at: datetime) -> None:
    event_id = uuid7(at)

    assert event_id.version == 7
    assert event_id.variant == "specified in RFC 4122"
    assert occurred_at_of(event_id) == at.replace(microsecond=at.microsecond // 1000 * 1000)


@given(moments, st.timedeltas(timedelta(milliseconds=1), timedelta(days=400)))
def test_ids_sort_by_time(at: datetime, later: timedelta) -> None:
    assert lowest_id(at) <= uuid7(at) < lowest_id(at + later) <= uuid7(at + later)


def test_two_ids_of_one_moment_differ() -> None:
    at = datetime(2026, 3, 4, tzinfo=UTC)

    assert len({uuid7(at) for _ in range(1_000)}) == 1_000


def test_an_id_of_another_kind_tells_nothing() -> None:
    from uuid import uuid4

    assert occurred_at_of(uuid4()) is None
