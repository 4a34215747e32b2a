"""Answers of reports as JSON and as tables. Pure."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import orjson

# A cell that begins so would be run by spreadsheets.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(answer: Any) -> bytes:
    """Times in ISO 8601, names of fields as they are."""
    return orjson.dumps(answer)


def as_csv(rows: Sequence[Any], services: Mapping[int, str]) -> str:
    """A line a row, below a line of names; what is nested has names with a dot, lists are left out.

    A ``service_id`` brings the name of the service along.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    names: list[str] = []
    for row in rows:
        cells = dict(_cells("", row, services))
        if not names:
            names = list(cells)
            writer.writerow(names)
        writer.writerow([safe_cell(cells.get(name)) for name in names])
    return text.getvalue()


def _cells(prefix: str, value: Any, services: Mapping[int, str]) -> Iterator[tuple[str, Any]]:
    for name, part in _parts(value):
        if is_dataclass(part):
            yield from _cells(f"{prefix}{name}.", part, services)
        elif not isinstance(part, list | dict | tuple):
            yield f"{prefix}{name}", part
            if name == "service_id":
                yield f"{prefix}service", services.get(part, "")


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    return ((field.name, getattr(value, field.name)) for field in fields(value))


def safe_cell(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
