"""An answer to a question, and what is made of it: a chart, a CSV, a JSON. Pure."""

import csv
import io
import math
import re
from dataclasses import dataclass
from typing import Any

import orjson

from dashboards.queries.draft import ChartSpec
from dashboards.reports.exporting import safe_cell

_NUMBERS = frozenset(("int2", "int4", "int8", "float4", "float8", "numeric"))
_JSON_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# Up to here a float has every whole number.
_LARGEST_EXACT = 2**53
_MOST_POINTS = 100
_LONGEST_LABEL = 40
_TONES = ("info", "users", "warning", "error", "critical", "neutral")


@dataclass(frozen=True, slots=True)
class Caps:
    """How much of an answer is taken: rows, characters of a cell, characters of all."""

    rows: int
    cell: int
    characters: int


@dataclass(frozen=True, slots=True)
class Column:
    """``type`` is PostgreSQL's word, such as int8, timestamptz or jsonb."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        return self.type in _NUMBERS


@dataclass(frozen=True, slots=True)
class Answer:
    """Cells are PostgreSQL's texts, None for NULL; one that was cut ends with "…".

    ``has_more`` says that rows were left out by the cap on rows, ``is_too_large`` by the cap on characters.
    """

    columns: list[Column]
    rows: list[list[str | None]]
    has_more: bool
    is_too_large: bool
    took_ms: float


def chart_of(answer: Answer, spec: ChartSpec, caption: str) -> tuple[dict[str, Any] | None, str]:
    """The chart for templates/dashboards/_chart.html, or None and why there is none ("" when none is wanted)."""
    if not spec.kind or not answer.rows:
        return None, ""
    places = {column.name: place for place, column in enumerate(answer.columns)}
    missing = [name for name in (spec.x, *spec.y) if name not in places]
    if missing or not spec.y:
        named = f"no column “{missing[0]}”" if missing and missing[0] else "no columns named for it"
        return None, f"There is no chart, because there is {named}."
    words = [name for name in spec.y if not answer.columns[places[name]].is_number]
    if words:
        return None, f"There is no chart, because “{words[0]}” is not a column of numbers."
    shown = answer.rows[:_MOST_POINTS]
    if len(answer.rows) > _MOST_POINTS:
        caption = f"{caption} (the first {_MOST_POINTS} rows)"
    datasets = [
        {"label": name, "tone": tone, "data": [number_of(row[places[name]]) for row in shown]}
        for name, tone in zip(spec.y, _TONES, strict=False)
    ]
    return {
        "id": "lm-answer-chart",
        "caption": caption,
        "type": spec.kind,
        "labels": [_label(row[places[spec.x]]) for row in shown],
        "datasets": datasets,
        "x_label": spec.x,
        "y_label": spec.y[0] if len(spec.y) == 1 else "",
        # Columns of one answer are seldom parts of one whole.
        "stacked": False,
        "marks": [],
    }, ""


def as_csv(answer: Answer) -> str:
    """A line a row, below a line of names."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([safe_cell(column.name) for column in answer.columns])
    for row in answer.rows:
        writer.writerow(
            [cell if column.is_number else safe_cell(cell) for column, cell in zip(answer.columns, row, strict=True)]
        )
    return text.getvalue()


def as_json(answer: Answer) -> bytes:
    """``{"columns": [{"name", "type"}], "rows": [[…]], "is_cut": false}``: booleans and JSON as such, the rest as text.

    Numbers have every digit that PostgreSQL gives; infinities and NaN, which JSON does not know, are null.
    """
    rows = [[_value(column, cell) for column, cell in zip(answer.columns, row, strict=True)] for row in answer.rows]
    is_cut = answer.has_more or answer.is_too_large
    return orjson.dumps({"columns": answer.columns, "rows": rows, "is_cut": is_cut})


def number_of(cell: str | None) -> float | None:
    """A whole one as an int; None for NULL and for what no chart can show (NaN, infinity)."""
    try:
        number = float(cell or "nan")
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) <= _LARGEST_EXACT else number


def _value(column: Column, cell: str | None) -> Any:
    if cell is None:
        return None
    if column.is_number:
        if _JSON_NUMBER.fullmatch(cell):
            return orjson.Fragment(cell)
        # One of thousands of digits is cut like any other cell.
        return cell if cell.endswith("…") else None
    if column.type == "bool":
        return cell == "true"
    if column.type in ("json", "jsonb"):
        try:
            return orjson.loads(cell)
        except ValueError:  # it was cut
            return cell
    return cell


def _label(cell: str | None) -> str:
    text = "–" if cell is None else cell or "(empty)"
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"
