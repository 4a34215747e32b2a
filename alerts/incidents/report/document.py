"""A report as it is read outside of Liftmon, before it becomes Markdown, HTML or a PDF: the same parts in the same order."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from alerts.conditions import spoken
from alerts.incidents.report.plain import plain
from alerts.models import IncidentReport, IncidentSeverity, ReportState
from alerts.models.on_call import name_of

_SECTIONS = (
    ("Summary", "summary"), ("Impact", "impact"), ("Timeline", "timeline"), ("Detection", "detection"),
    ("Root cause", "root_cause"), ("What went well", "went_well"), ("What went badly", "went_badly"),
)  # fmt: skip
_STATES = {
    "triggered": "Before anybody acknowledged",
    "acknowledged": "Until it was mitigated",
    "mitigated": "Mitigated",
}
_DURATIONS = (
    ("duration_seconds", "Users were hurt for"), ("mtta_seconds", "Time to acknowledge"), ("mttm_seconds", "Time to mitigate"),
    ("mttr_seconds", "Time to resolve"),
)  # fmt: skip
_COUNTS = (
    ("users", "Users hurt"), ("failed_requests", "Failed requests"), ("requests", "Requests at these endpoints"),
    ("alerts", "Alerts"), ("notifications", "Messages sent"), ("notifications_failed", "Messages not delivered"),
    ("steps_in_time", "Steps done in time"), ("steps_late", "Steps late or not done"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ToDo:
    """A follow-up; ``is_done``."""

    text: str
    owner: str
    due_on: date | None
    is_done: bool


@dataclass(frozen=True, slots=True)
class Document:
    """``sections``: headings and their Markdown, none of them empty. ``metrics``: labels and values, in words."""

    number: int
    title: str
    about: str
    state: str
    people: Sequence[tuple[str, str]]
    metrics: Sequence[tuple[str, str]]
    sections: Sequence[tuple[str, str]]
    to_dos: Sequence[ToDo]
    no_to_dos_reason: str
    at: datetime

    @property
    def file_name(self) -> str:
        """``incident-12-checkout-fails``, without what a file's name may not hold."""
        words = re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")[:60].strip("-")
        return "-".join(one for one in (f"incident-{self.number}", words) if one)


def document_of(report: IncidentReport, *, at: datetime) -> Document:
    """The report with its incident and people. One query for its follow-ups."""
    incident = report.incident
    about = [f"Incident #{incident.pk}", IncidentSeverity(incident.severity).label]
    about.append(f"{incident.started_at.astimezone(UTC):%Y-%m-%d}")
    to_dos = incident.follow_ups.select_related("owner").order_by("created_at", "pk")
    return Document(
        number=incident.pk, title=report.title, about=" · ".join(about), state=_state(report), people=_people(report),
        metrics=metrics_of(report.metrics), sections=_sections(report),
        to_dos=[
            ToDo(one.text, name_of(one.owner) if one.owner else "", one.due_on, one.done_at is not None) for one in to_dos
        ],
        no_to_dos_reason=report.no_follow_ups_reason, at=report.published_at or at,
    )  # fmt: skip


def metrics_of(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was measured, in words; what was not is left out."""
    found = [(label, spoken(metrics[name])) for name, label in _DURATIONS if metrics.get(name) is not None]
    states = metrics.get("states") or {}
    found += [(f"{_STATES.get(name, name.capitalize())}", spoken(seconds)) for name, seconds in states.items()]
    return found + [(label, f"{metrics[name]:,}") for name, label in _COUNTS if metrics.get(name) is not None]


def suspects_in_words(suspects: Iterable[Mapping[str, Any]]) -> str:
    """Markdown: each suspect with its evidence."""
    lines = [
        f"- **{plain(str(one.get('kind', 'suspect'))).capitalize()} {plain(str(one.get('value', '')))}:** "
        + " ".join(plain(str(line)) for line in one.get("evidence") or ("No evidence is kept.",))
        for one in suspects
    ]
    return "\n".join(lines)


def _sections(report: IncidentReport) -> list[tuple[str, str]]:
    found = []
    for heading, name in _SECTIONS:
        if text := getattr(report, name).strip():
            found.append((heading, text))
        if name == "root_cause" and report.suspects:
            found.append(("What was suspected", suspects_in_words(report.suspects)))
    return found


def _state(report: IncidentReport) -> str:
    if report.state == ReportState.PUBLISHED and report.published_at:
        return f"Published {report.published_at.astimezone(UTC):%Y-%m-%d}"
    return f"{report.get_state_display()}, not published"


def _people(report: IncidentReport) -> list[tuple[str, str]]:
    incident = report.incident
    named = (
        ("Commander", incident.commander), ("Edited by", report.edited_by), ("Reviewed by", report.reviewed_by),
        ("Published by", report.published_by),
    )  # fmt: skip
    return [(role, name_of(person)) for role, person in named if person is not None]
