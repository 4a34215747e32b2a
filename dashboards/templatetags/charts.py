"""Turns a chart's columns into the rows of its table."""

from typing import Any
from urllib.parse import urlencode

from django import template

register = template.Library()


@register.filter
def chart_rows(chart: dict[str, Any]) -> list[tuple[str, str, list[Any]]]:
    """``(label, link to that part alone or "", [value of each dataset])`` for each label."""
    columns = [dataset["data"] for dataset in chart["datasets"]]
    edges = chart.get("edges", [])
    has_links = chart.get("zoom") and len(edges) > 2
    return [
        (
            label,
            f"{chart['zoom']}&{urlencode({'from': edges[place], 'to': edges[place + 1]})}" if has_links else "",
            [_rounded(column[place]) for column in columns],
        )
        for place, label in enumerate(chart["labels"])
    ]


def _rounded(value: Any) -> Any:
    return round(value, 1 if abs(value) < 100 else 0) if isinstance(value, float) else value
