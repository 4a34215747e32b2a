"""Cursors: whatever is written is read again, and nothing else is."""

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.api.problems import Problem
from events.api.v1.cursors import LONGEST, Cursors
from events.keyset import Place

OF_EVENTS = Cursors("events", (UUID,))
OF_ISSUES = Cursors("issues -last_seen", (datetime, int))
NUMBERS = st.integers(-(1 << 63) + 1, (1 << 63) - 1)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(8999, 1, 1), timezones=st.just(UTC))


@given(st.uuids(), st.booleans())
def test_a_place_among_events_comes_back(event_id: UUID, is_backwards: bool) -> None:
    place = Place((event_id,), is_backwards)

    text = OF_EVENTS.write(place)

    assert OF_EVENTS.read(text) == place
    assert len(text) <= LONGEST


@given(TIMES, NUMBERS, st.booleans())
def test_a_place_among_issues_comes_back_to_the_microsecond(at: datetime, pk: int, is_backwards: bool) -> None:
    place = Place((at, pk), is_backwards)

    text = OF_ISSUES.write(place)

    assert OF_ISSUES.read(text) == place
    assert text.replace("-", "").replace("_", "").isalnum()


def test_times_are_written_in_utc() -> None:
    at = datetime(2026, 3, 4, 12, tzinfo=timezone(timedelta(hours=5, minutes=45)))

    assert OF_ISSUES.read(OF_ISSUES.write(Place((at, 1)))).key[0].tzinfo is UTC


@given(st.text(max_size=LONGEST))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        OF_EVENTS.read(text)


ID = "019cb8ad-22d2-7f3a-9c51-6d1f0b8e4a77"


@pytest.mark.parametrize(
    "content",
    [
        None,
        {},
        [],
        "events",
        ["events"],
        ["events", False],
        ["events", 0, ID],
        ["events", False, ID, 1],
        ["events", False, 7],
        ["events", False, None],
        ["events", False, [ID]],
        ["events", False, "x"],
        ["issues", False, ID],
        ["issues -last_seen", False, "2026-03-04T12:00:00", 1],
        ["issues -last_seen", False, "yesterday", 1],
        ["issues -last_seen", False, 7, 1],
        ["issues -last_seen", False, "2026-03-04T12:00:00+00:00", True],
        ["issues -last_seen", False, "2026-03-04T12:00:00+00:00", 1 << 63],
        ["issues -last_seen", False, "2026-03-04T12:00:00+00:00", 1.5],
        ["issues -last_seen", False, "0001-01-01T00:00:00+05:00", 1],
    ],
)
def test_what_nobody_wrote_is_refused(content: Any) -> None:
    text = base64.urlsafe_b64encode(orjson.dumps(content)).decode()

    for cursors in (OF_EVENTS, OF_ISSUES):
        with pytest.raises(Problem) as refused:
            cursors.read(text)
        assert refused.value.code == "invalid_cursor"
