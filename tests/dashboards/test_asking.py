"""Addresses and what they ask."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.asking import AskedError, address_of, entered, read_question, read_question_mildly, words_of
from dashboards.reports.question import Question, filters_of
from dashboards.window import PRESETS, custom, preset

NOW = datetime(2026, 3, 30, 10, 17, 42, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@given(
    st.sampled_from([*PRESETS, ""]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 29)),
    st.timedeltas(timedelta(minutes=1), timedelta(days=60)),
    st.lists(st.integers(1, 2**31 - 1), max_size=3),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200),
)
def test_an_address_asks_what_it_was_made_of(
    name: str, start: datetime, length: timedelta, services: list[int], text: str
) -> None:
    aware = start.replace(tzinfo=UTC, second=0, microsecond=0)
    window = preset(name, NOW) if name else custom(aware, aware + length, NOW)
    question = Question(
        window,
        BERLIN,
        filters_of(services, [text, *(["production"] if len(services) > 1 else [])] if text else [], text),
    )

    address = address_of("/page/", question, endpoint="/api/x?a=b&c")
    query = words_of(parse_qs(urlsplit(address).query).items())

    assert read_question(query, now=NOW, zone=BERLIN) == question
    assert query["endpoint"] == "/api/x?a=b&c"


def test_a_time_without_an_offset_is_the_readers() -> None:
    query = {"window": "custom", "from": "2026-03-29T01:30", "to": "2026-03-29T04:00"}

    question = read_question(query, now=NOW, zone=BERLIN)

    # The hour from two to three did not exist there.
    assert question.window.start == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert question.window.end == datetime(2026, 3, 29, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ({"window": "9h"}, "window"),
        ({"window": "custom"}, "from"),
        ({"from": "2026-03-01T00:00Z", "to": "no"}, "to"),
        ({"from": "0001-01-01T00:00+14:00"}, "from"),
        ({"from": "2031-01-01"}, "from"),
        ({"service": "-1"}, "service"),
        ({"service": "٣"}, "service"),
        ({"service": "9" * 400}, "service"),
        ({"release": "x" * 201}, "release"),
        ({"environment": "a\x00b"}, "environment"),
        ({"service": ["1", "no"]}, "service"),
        ({"service": ["1"] * 101}, "service"),
        ({"environment": ["a", "b" * 201]}, "environment"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_told(query: dict[str, str], parameter: str) -> None:
    with pytest.raises(AskedError) as caught:
        read_question(query, now=NOW, zone=BERLIN)
    question, problem = read_question_mildly(query, now=NOW, zone=BERLIN)

    assert caught.value.parameter == parameter
    assert problem
    assert question == read_question({}, now=NOW, zone=BERLIN)


@pytest.mark.parametrize(
    ("start", "end", "default", "said"),
    [
        (
            "2026-03-29T10:00",
            "2026-03-28T10:00",
            "24h",
            "The window ends before it starts. This is the last 24 hours instead.",
        ),
        (
            "2026-03-29T10:00",
            "2026-03-29T10:00",
            "7d",
            "The window ends when it starts. This is the last 7 days instead.",
        ),
        (
            "2026-04-29T10:00",
            "2026-04-30T10:00",
            "30d",
            "The window lies in the future. This is the last 30 days instead.",
        ),
        (
            "2026-05-29T10:00",
            "2026-04-30T10:00",
            "1h",
            "The window ends before it starts. This is the last hour instead.",
        ),
    ],
)
def test_a_window_that_is_none_is_told_which_way(start: str, end: str, default: str, said: str) -> None:
    query = {"window": "custom", "from": start, "to": end}

    question, problem = read_question_mildly(query, now=NOW, zone=BERLIN, default=default)

    assert problem == said
    assert question.window == preset(default, NOW)


@pytest.mark.parametrize(
    ("given", "local"),
    [
        ("2026-03-29T22:00Z", "2026-03-30T00:00"),
        ("2026-03-29T22:00:31", "2026-03-29T22:00"),
        ("2026-03-29", "2026-03-29T00:00"),
        ("garbage", ""),
        ("0001-01-01T00:00+14:00", ""),
        ("", ""),
    ],
)
def test_what_was_entered_is_given_back_on_the_readers_clock(given: str, local: str) -> None:
    assert entered({"from": given}, "from", BERLIN) == local
