"""What is made of an answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.queries.answers import Answer, Column, as_csv, as_json, chart_of, number_of
from dashboards.queries.draft import ChartSpec


def answer(columns: list[Column], rows: list[list[str | None]], *, has_more: bool = False) -> Answer:
    return Answer(columns, rows, has_more, is_too_large=False, took_ms=1.0)


def test_a_chart_shows_the_first_rows_and_says_so() -> None:
    found = answer([Column("word", "text"), Column("n", "int8")], [["x" * 60, str(n)] for n in range(150)])

    chart, problem = chart_of(found, ChartSpec("line", "word", ("n",)), "Words")

    assert problem == ""
    assert chart is not None
    assert chart["caption"] == "Words (the first 100 rows)"
    assert chart["datasets"][0]["data"] == list(range(100))
    assert chart["labels"][0] == "x" * 39 + "…"
    assert chart["y_label"] == "n"


def test_without_a_kind_or_rows_there_is_no_chart_and_no_problem() -> None:
    columns = [Column("n", "int8")]

    assert chart_of(answer(columns, [["1"]]), ChartSpec("", "n", ("n",)), "") == (None, "")
    assert chart_of(answer(columns, []), ChartSpec("bar", "n", ("n",)), "") == (None, "")


def test_json_that_was_cut_stays_text() -> None:
    found = answer([Column("data", "jsonb"), Column("more", "jsonb")], [['{"a": [1…', "[1]"]], has_more=True)

    assert json.loads(as_json(found)) == {
        "columns": [{"name": "data", "type": "jsonb"}, {"name": "more", "type": "jsonb"}],
        "rows": [['{"a": [1…', [1]]],
        "is_cut": True,
    }


@pytest.mark.parametrize(
    ("kind", "cell", "written"),
    [
        ("float8", "1e+20", b"1e+20"),
        ("numeric", "10000000000000000000000000", b"10000000000000000000000000"),
        ("numeric", "0.1234567890123456789012345", b"0.1234567890123456789012345"),
        ("int8", "-9223372036854775808", b"-9223372036854775808"),
        ("float8", "1.7976931348623157e+308", b"1.7976931348623157e+308"),
        ("float8", "-0", b"-0"),
        ("float8", "Infinity", b"null"),
        ("numeric", "-Infinity", b"null"),
        ("numeric", "NaN", b"null"),
        ("numeric", "9" * 100 + "…", ('"' + "9" * 100 + '…"').encode()),
    ],
)
def test_every_number_has_a_place_in_json(kind: str, cell: str, written: bytes) -> None:
    found = as_json(answer([Column("v", kind)], [[cell]]))

    assert b'"rows":[[' + written + b"]]" in found
    assert len(json.loads(found)["rows"]) == 1


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_no_text_of_a_csv_is_a_formula(texts: list[str]) -> None:
    table = as_csv(answer([Column(text, "text") for text in texts], [list(texts)]))

    assert not table.startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.floats() | st.integers(-(10**18), 10**18))
def test_numbers_are_read_as_postgresql_writes_them(number: float) -> None:
    found = number_of(repr(number))

    assert found is None or float(found) == float(number)
    assert number_of("Infinity") is number_of("NaN") is number_of(None) is number_of("a") is None
