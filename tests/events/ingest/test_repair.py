import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ingest import repair
from events.ingest.repair import HugeNumber, TooDeepError, mend, read_duration, read_number, read_text, read_time
from events.ingest.types import Mark

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=40),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(codec=None), max_size=20), inner, max_size=5)
    ),
    max_leaves=30,
)


def everything_in(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [item for pair in value.items() for side in pair for item in everything_in(side)]
    if isinstance(value, list):
        return [item for child in value for item in everything_in(child)]
    return [value]


@given(json_values)
def test_whatever_comes_out_is_storable_and_mending_again_changes_nothing(value: Any) -> None:
    marks: list[Mark] = []

    mended = mend(value, "data", marks)

    for item in everything_in(mended):
        if isinstance(item, str):
            assert "\x00" not in item
            item.encode("utf-8")  # no lone surrogate
        if isinstance(item, float):
            assert math.isfinite(item)
        if isinstance(item, int):
            assert abs(item) < 2**63
    again: list[Mark] = []
    assert mend(mended, "data", again) == mended
    assert again == []


@pytest.mark.parametrize(
    ("value", "mended", "rule"),
    [
        ("a\x00b", "a\ufffdb", "nul"),
        ("a\ud800b", "a\ufffdb", "surrogate"),
        (float("nan"), None, "not_a_number"),
        (float("inf"), None, "not_a_number"),
        (2**63, "9223372036854775808", "number_too_large"),
        (HugeNumber("9" * 10_000), "9" * 300 + "…", "number_too_large"),
        ("x" * 20_000, "x" * repair.MAX_TEXT, "text_truncated"),
        ({"k" * 300: 1}, {"k" * 200: 1}, "key_mended"),
    ],
)
def test_each_repair_is_marked_by_its_rule(value: Any, mended: Any, rule: str) -> None:
    marks: list[Mark] = []

    assert mend(value, "data", marks) == mended

    assert [mark["rule"] for mark in marks] == [rule]
    assert rule in repair.RULES


def test_it_keeps_the_first_keys_and_items_and_says_that_it_dropped_the_rest() -> None:
    marks: list[Mark] = []

    wide = mend({"keys": {str(n): n for n in range(600)}, "items": list(range(1_200))}, "data", marks)

    assert len(wide["keys"]) == 500
    assert len(wide["items"]) == 1_000
    assert marks == [{"path": "data.keys", "rule": "keys_dropped"}, {"path": "data.items", "rule": "items_dropped"}]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_it_refuses_nesting_beyond_the_limit(opening: str) -> None:
    value: Any = 1
    for _ in range(101):
        value = [value] if opening == "[" else {"a": value}

    with pytest.raises(TooDeepError, match="100 levels"):
        mend(value, "data", [])


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-04T11:00:00Z",
        "2026-03-04T12:00:00+01:00",
        "2026-03-04 11:00:00",
        "2026-03-04T11:00:00.000000000Z",
        1772622000,
        1772622000.0,
        "1772622000",
        1772622000000,
        1772622000000000,
        1772622000000000000,
    ],
)
def test_it_reads_a_time_in_every_spelling(value: Any) -> None:
    marks: list[Mark] = []

    assert read_time(value, "timestamp", received_at=NOW, marks=marks) == NOW - timedelta(hours=1)
    assert marks == []


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("yesterday", "timestamp_unreadable"),
        (True, "timestamp_unreadable"),
        ([], "timestamp_unreadable"),
        ({"a": 1}, "timestamp_unreadable"),
        (float("nan"), "timestamp_unreadable"),
        (1e300, "timestamp_unreadable"),
        ("9999-12-31T23:59:59+14:00", "timestamp_future"),
        ("0001-01-01T00:00:00+14:00", "timestamp_unreadable"),
        ("2026-03-04T12:02:00Z", "timestamp_future"),
        ("2026-01-01T00:00:00Z", "timestamp_past"),
        (0, "timestamp_past"),
        (-5, "timestamp_past"),
    ],
)
def test_a_time_that_cannot_be_meant_becomes_the_time_of_arrival(value: Any, rule: str) -> None:
    marks: list[Mark] = []

    assert read_time(value, "timestamp", received_at=NOW, marks=marks) == NOW
    assert marks == [{"path": "timestamp", "rule": rule}]


@pytest.mark.parametrize(
    ("value", "number", "is_marked"),
    [(12, 12.0, False), (1.5, 1.5, False), ("12", 12.0, True), (-1, None, True), ("abc", None, True), (True, None, True),
     ([], None, True), (None, None, False), ("", None, False), (10**400, None, True)],
)  # fmt: skip
def test_it_reads_a_number(value: Any, number: float | None, is_marked: bool) -> None:
    marks: list[Mark] = []

    assert read_number(value, "duration_ms", marks) == number
    assert bool(marks) is is_marked


@pytest.mark.parametrize(
    ("value", "unit_ms", "duration_ms"),
    [(0, 1, 0.0), (10_050, 1, 10_050.0), (7_776_000, 1000, 7_776_000_000.0), (1e308, 1, None), (1e306, 1000, None),
     (4e8, 1000, None)],
)  # fmt: skip
def test_a_duration_that_cannot_be_meant_is_none(value: float, unit_ms: float, duration_ms: float | None) -> None:
    marks: list[Mark] = []

    assert read_duration(value, "duration_ms", marks, unit_ms=unit_ms) == duration_ms
    assert [mark["rule"] for mark in marks] == ([] if duration_ms is not None else ["duration_too_long"])


def test_it_reads_text_from_numbers_and_leaves_containers_out() -> None:
    marks: list[Mark] = []

    assert read_text(12.5, "message", marks, limit=10) == "12.5"
    assert read_text({"a": 1}, "message", marks, limit=10) == ""
    assert [mark["rule"] for mark in marks] == ["wrong_type", "wrong_type"]
