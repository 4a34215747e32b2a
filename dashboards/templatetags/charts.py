"""Turns a chart's columns into the rows of its table."""

from typing import Any
from urllib.parse import urlencode

from django import template

from dashboards.pages.words import joined, percent
from dashboards.templatetags.numbers import took

register = template.Library()


@register.filter
def chart_rows(chart: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """``(label, link to that part alone or "", [value of each dataset in words])`` for each label."""
    columns = [dataset["data"] for dataset in chart["datasets"]]
    edges = chart.get("edges", [])
    has_links = chart.get("zoom") and len(edges) > 2
    return [
        (
            label,
            f"{chart['zoom']}&{urlencode({'from': edges[place], 'to': edges[place + 1]})}" if has_links else "",
            [said(column[place], chart.get("unit", "")) for column in columns],
        )
        for place, label in enumerate(chart["labels"])
    ]


@register.filter
def chart_marks(chart: dict[str, Any]) -> list[tuple[str, str]]:
    """What is marked, and when, each name once: ``lift@5.16.0``, ``23 Nov, 14:05 and 25 Nov, 09:30``."""
    times: dict[str, list[str]] = {}
    for mark in chart.get("marks", []):
        times.setdefault(mark["label"], []).append(mark["when"])
    return [(label, joined(list(dict.fromkeys(whens)))) for label, whens in times.items()]


def said(value: Any, unit: str) -> str:
    """A value as the tables of the pages say it; charts.js says it the same way in its tooltips."""
    if value is None:
        return "–"
    if unit == "ms":
        return took(value)
    if unit == "share":
        return percent(value)
    if not isinstance(value, int | float):
        return str(value)
    rounded = round(value, 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0)
    return f"{rounded:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
