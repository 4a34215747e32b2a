"""Charts as plain values, for templates/dashboards/_chart.html and charts.js. Pure.

A chart has an id, a caption, a type ("bar" or "line"), labels, datasets (label, tone, data), and may have a unit of its values
("ms", "share" for parts of 1), marks (what happened at a place of it, when in words, in which environments, and what the dashed
lines say: marks_say), bands (what lasted from one place of it to another, when in words, and where more is told), edges (the times
between which each column lies) and a zoom (the address that a part of it is looked at by).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any

from dashboards.asking import address_of, instant
from dashboards.reports.question import Question
from dashboards.reports.releases import NewRelease
from dashboards.window import Span

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A number for each step; None where there is nothing to say. ``tone`` is a colour of liftmon.css."""

    label: str
    tone: str
    data: Sequence[float | None]
    # A limit that others are held against.
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Lasted:
    """What went on for a while: an incident. ``ended_at`` is None while it does."""

    started_at: datetime
    ended_at: datetime | None
    label: str
    title: str
    link: str


def over_time(
    chart_id: str,
    caption: str,
    question: Question,
    datasets: Sequence[Dataset],
    *,
    y_label: str,
    unit: str = "",
    kind: str = "bar",
    releases: Sequence[NewRelease] = (),
    incidents: Sequence[Lasted] = (),
    path: str = "",
    subjects: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """A chart with a column for each step of the question's window, on the reader's clock.

    ``path`` is the page that a part of the window is looked at on; the page itself by default. ``subjects`` are the words of its
    address that say what it is about.
    """
    steps = question.steps
    marks = [(release.first_seen_at, release.release) for release in releases]
    return {
        **chart_of_steps(
            chart_id, caption, steps, question.zone, datasets, y_label=y_label, unit=unit, kind=kind, marks=marks
        ),
        "bands": bands_of(steps, question.zone, incidents),
        "marked_in": sorted({release.environment for release in releases} - {""}),
        "edges": [instant(step.start) for step in steps] + [instant(steps[-1].end)],
        "zoom": address_of(path, question, **{**subjects, "window": "custom", "from": None, "to": None}),
    }


def chart_of_steps(
    chart_id: str,
    caption: str,
    steps: Sequence[Span],
    zone: tzinfo,
    datasets: Sequence[Dataset],
    *,
    y_label: str,
    unit: str = "",
    kind: str = "bar",
    marks: Sequence[tuple[datetime, str]] = (),
    marks_say: str = "",
) -> dict[str, Any]:
    """A chart with a column for each step, on the clock of the zone. ``marks_say`` says what is marked, if not releases."""
    return {
        "id": chart_id,
        "caption": caption,
        "type": kind,
        "labels": labels_of(steps, zone),
        "datasets": [
            {"label": one.label, "tone": one.tone, "data": list(one.data)} | ({"dashed": True} if one.is_dashed else {})
            for one in datasets
        ],
        "y_label": y_label,
        "unit": unit,
        "marks": marks_of(steps, zone, marks),
        "marks_say": marks_say,
    }


def labels_of(steps: Sequence[Span], zone: tzinfo) -> list[str]:
    """What each step is called: 14:05, 23 Nov 14:00 or 23 Nov; by the week, the day it begins on."""
    has_days = len({step.start.astimezone(zone).date() for step in steps}) > 2
    is_of_days = len(steps) > 1 and steps[1].length > timedelta(hours=22)
    return [_label(step.start.astimezone(zone), has_days=has_days, is_of_days=is_of_days) for step in steps]


def _label(local: datetime, *, has_days: bool, is_of_days: bool) -> str:
    if is_of_days:
        return f"{local.day} {local:%b}"
    return f"{local.day} {local:%b} {local:%H:%M}" if has_days else f"{local:%H:%M}"


def marks_of(steps: Sequence[Span], zone: tzinfo, happened: Sequence[tuple[datetime, str]]) -> list[dict[str, Any]]:
    """What happened when, earliest first. Services that release together say it several times: once a column is enough."""
    marks: dict[tuple[int, str], dict[str, Any]] = {}
    for at, label in sorted(happened):
        place = _place(steps, at)
        local = at.astimezone(zone)
        when = f"{local.day} {local:%b}, {local:%H:%M}"
        marks.setdefault((int(place), label), {"at": place, "label": label, "when": when})
    return list(marks.values())


def bands_of(steps: Sequence[Span], zone: tzinfo, lasted: Sequence[Lasted]) -> list[dict[str, Any]]:
    """What went on, as far as it lies within the steps."""
    return [
        {
            "from": _place(steps, max(one.started_at, steps[0].start)),
            "to": _place(steps, one.ended_at or steps[-1].end),
            "label": one.label,
            "title": one.title,
            "link": one.link,
            "when": _spoken(one, zone),
        }
        for one in lasted
    ]


def _spoken(one: Lasted, zone: tzinfo) -> str:
    """``23 Nov, 14:05 to 14:40``."""
    start = one.started_at.astimezone(zone)
    said = f"{start.day} {start:%b}, {start:%H:%M}"
    if one.ended_at is None:
        return f"since {said}"
    end = one.ended_at.astimezone(zone)
    return f"{said} to {end:%H:%M}" if end.date() == start.date() else f"{said} to {end.day} {end:%b}, {end:%H:%M}"


def _place(steps: Sequence[Span], at: datetime) -> float:
    """``at`` as a place between the columns: 2.5 is the middle of the third."""
    for number, step in enumerate(steps):
        if at < step.end:
            return round(number + max((at - step.start) / step.length, 0.0), 3)
    return len(steps)
