"""Parameters: what they are declared as, and what is bound for what people type."""

from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.queries.parameters import (
    TYPES,
    Parameter,
    ParameterError,
    as_declarations,
    read_declarations,
    read_what_can_be,
)


@pytest.mark.parametrize(
    ("kind", "typed", "bound"),
    [
        ("text", " as it is ", " as it is "),
        ("text", "", ""),
        ("text", "'; DROP TABLE x; --", "'; DROP TABLE x; --"),
        ("integer", " 24 ", "24"),
        ("integer", "1,000", "1000"),
        ("integer", "", None),
        ("number", "0.5", "0.5"),
        ("number", "-1e3", "-1E+3"),
        ("boolean", "Yes", "true"),
        ("boolean", "false", "false"),
        ("date", "2026-03-29", "2026-03-29"),
        ("timestamp", "2026-03-29 22:00", "2026-03-29T20:00:00+00:00"),
        ("timestamp", "2026-03-29T22:00Z", "2026-03-29T22:00:00+00:00"),
    ],
)
def test_it_reads_what_people_type(kind: str, typed: str, bound: str | None) -> None:
    assert Parameter("x", kind).read(typed, ZoneInfo("Europe/Berlin")) == bound


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("integer", "1; DROP TABLE x"), ("integer", "9" * 30), ("integer", "1.5"), ("number", "NaN"), ("number", "1e999"),
        ("number", "many"), ("boolean", "maybe"), ("date", "today"), ("timestamp", "soon"), ("text", "\x00"), ("text", "x" * 1001),
    ],
)  # fmt: skip
def test_it_says_what_to_write_instead(kind: str, typed: str) -> None:
    with pytest.raises(ParameterError, match=":x"):
        Parameter("x", kind).read(typed, UTC)


@given(st.sampled_from(sorted(TYPES)), st.text(max_size=40))
def test_whatever_is_typed_is_bound_or_refused(kind: str, typed: str) -> None:
    try:
        bound = Parameter("x", kind).read(typed, UTC)
    except ParameterError:
        bound = None

    assert bound is None or "\x00" not in bound


@pytest.mark.parametrize(
    "saved",
    [
        "days",
        [1],
        [{"name": 1, "type": "text"}],
        [{"name": "a b", "type": "text"}],
        [{"name": "a", "type": "regclass"}],
        [{"name": "a", "type": "integer", "default": "x"}],
        [{"name": "a", "type": "text"}] * 2,
        [{"name": f"a{number}", "type": "text"} for number in range(21)],
    ],
)
def test_declarations_that_cannot_be_read_are_refused(saved: Any) -> None:
    with pytest.raises(ParameterError):
        read_declarations(saved)


def test_declarations_come_back_as_they_were_saved() -> None:
    saved = [{"name": "days", "type": "integer", "default": "7"}, {"name": "who", "type": "text", "default": ""}]

    assert as_declarations({one.name: one for one in read_declarations(saved)}) == saved


def test_what_can_be_read_of_a_broken_declaration_is_kept() -> None:
    days = {"name": "days", "type": "integer", "default": "7"}

    assert read_what_can_be([days]) == ([Parameter("days", "integer", "7")], "")
    for broken in ({"name": "x" * 64, "type": "text"}, 1, {"name": "days", "type": "text"}):
        found, problem = read_what_can_be([days, broken])
        assert found == [Parameter("days", "integer", "7")]
        assert problem
    assert read_what_can_be({"days": 7})[0] == []
