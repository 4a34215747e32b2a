"""Turns a chart's columns into the rows of its table."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def chart_rows(chart: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    """``(label, [value of each dataset])`` for each label."""
    columns = [dataset["data"] for dataset in chart["datasets"]]
    return [(label, [column[place] for column in columns]) for place, label in enumerate(chart["labels"])]
