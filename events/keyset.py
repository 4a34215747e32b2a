"""Reading a list page by page from the key of a row on, so that a page costs the same however far down it is. Never a COUNT."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, Q, QuerySet


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: just behind the row of that key, or, backwards, where it ends: just before it.

    A key is the values of the columns that the list is ordered by.
    """

    key: tuple[Any, ...]
    is_backwards: bool = False


@dataclass(frozen=True, slots=True)
class Page[Row]:
    """Rows in the order of the list. A place is None where there is nothing beyond."""

    rows: list[Row]
    following: Place | None = None
    preceding: Place | None = None


def read_page[Row: Model](rows: QuerySet[Row], *, order: Sequence[str], place: Place | None, size: int) -> Page[Row]:
    """Up to ``size`` rows of ``rows`` from ``place`` on, the first when it is None.

    ``order`` names columns as `order_by` does: all of them ascending or all descending, the last one unique.
    """
    columns = [column.removeprefix("-") for column in order]
    is_backwards = place is not None and place.is_backwards
    is_descending = order[0].startswith("-") != is_backwards
    if place is not None:
        rows = rows.filter(_beyond(columns, place.key, "lt" if is_descending else "gt"))
    found = list(rows.order_by(*(f"-{column}" if is_descending else column for column in columns))[: size + 1])
    return page_of(found, columns=columns, place=place, size=size)


def page_of[Row: Model](found: list[Row], *, columns: Sequence[str], place: Place | None, size: int) -> Page[Row]:
    """The page of what was found in the direction of ``place``: one row more than ``size`` says that there is more."""
    is_backwards = place is not None and place.is_backwards
    has_more = len(found) > size
    rows = found[:size]
    if is_backwards:
        rows.reverse()
    if not rows:
        return Page([])
    first, last = (tuple(getattr(row, column) for column in columns) for row in (rows[0], rows[-1]))
    return Page(
        rows,
        following=Place(last) if has_more or is_backwards else None,
        preceding=Place(first, is_backwards=True) if (has_more if is_backwards else place is not None) else None,
    )


def _beyond(columns: Sequence[str], key: Sequence[Any], direction: str) -> Q:
    """What comes after the key. Said so that an index on the first column can begin where the page does."""
    column, value = columns[0], key[0]
    further = Q(**{f"{column}__{direction}": value})
    if len(columns) == 1:
        return further
    return Q(**{f"{column}__{direction}e": value}) & (further | _beyond(columns[1:], key[1:], direction))
