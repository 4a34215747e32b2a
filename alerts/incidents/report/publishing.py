"""How a report comes to stand: edited by one after the other, reviewed by somebody else, published, and then left alone.

Every change counts the version up by a conditional update: who saves over what somebody else wrote meanwhile is told, and shown
both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F

from alerts.incidents import timeline
from alerts.incidents.report import facts
from alerts.models import Incident, IncidentEntryKind, IncidentReport, ReportState
from alerts.models.on_call import name_of
from events.rollup_tables import MINUTES_KEPT

# What people write; all but the title are Markdown, and so is none of the reason.
SECTIONS = ("summary", "impact", "timeline", "detection", "root_cause", "went_well", "went_badly")
FIELDS = ("title", *SECTIONS, "no_follow_ups_reason")
_LONGEST = {"title": 200, "timeline": 50_000, "no_follow_ups_reason": 500}
_LONGEST_SECTION = 20_000


class ReportError(ValueError):
    """What was asked for cannot be done; the text says why, for people."""


class StaleError(ReportError):
    """Somebody saved meanwhile."""


@dataclass(frozen=True, slots=True)
class Merged:
    """``values``: to go on with. ``theirs``: by field, what somebody else wrote where both changed the same."""

    values: dict[str, str]
    theirs: dict[str, str]


def edit(report_id: int, *, by: User, at: datetime, version: int, values: Mapping[str, str]) -> bool:
    """Save what was written upon that version. False when nothing is new. Raises StaleError, and ReportError once it is
    published."""
    values = {name: _clean(name, values[name]) for name in FIELDS if name in values}
    if "title" in values and not values["title"]:
        raise ReportError("Give the report a title.")
    with transaction.atomic():
        report = IncidentReport.objects.select_for_update().get(pk=report_id)
        _check_version(report, version)
        if report.state == ReportState.PUBLISHED:
            raise ReportError("The report is published: reopen it first.")
        changed = {name: value for name, value in values.items() if getattr(report, name) != value}
        if not changed:
            return False
        _update(report, edited_at=at, edited_by=by, **_unreviewed(), **changed)
        words = ", ".join(name.replace("_", " ") for name in changed)
        timeline.write(
            report.incident_id, IncidentEntryKind.REPORT, at=at, by=by, text=f"The report was edited: {words}."
        )
    return True


def merge(report: IncidentReport, *, began_with: Mapping[str, str], mine: Mapping[str, str]) -> Merged:
    """Of what one person wrote upon an older version, and what is there now: where only one of them changed a field, that."""
    values, theirs = {}, {}
    for name in FIELDS:
        now, base = getattr(report, name), _lines(began_with.get(name, ""))
        own = _lines(mine.get(name, base))
        values[name] = now if own == base else own
        if own not in (base, now) and now != base:
            theirs[name] = now
    return Merged(values, theirs)


def submit(report_id: int, *, by: User, at: datetime, version: int) -> None:
    """Ask somebody else to review it. Raises ReportError when something is missing."""
    with transaction.atomic():
        report = _locked(report_id, version)
        if report.state != ReportState.DRAFT:
            raise ReportError(f"The report is {report.get_state_display().lower()} already.")
        _refuse(missing(report))
        # Whoever submits answers for it, too: somebody else is to review it.
        _update(report, state=ReportState.IN_REVIEW, edited_by=by, edited_at=report.edited_at or at, **_unreviewed())
        _say(report, "The report was submitted for review.", by=by, at=at)


def review(report_id: int, *, by: User, at: datetime, version: int) -> None:
    """By somebody who did not write it last. Raises ReportError."""
    with transaction.atomic():
        report = _locked(report_id, version)
        if report.state != ReportState.IN_REVIEW:
            raise ReportError("The report is not in review.")
        if report.edited_by_id == by.pk:
            raise ReportError("Somebody else has to review it: you wrote or submitted it last.")
        _update(report, reviewed_at=at, reviewed_by=by)
        _say(report, "The report was reviewed.", by=by, at=at)


def return_to_draft(report_id: int, *, by: User, at: datetime, version: int, why: str = "") -> None:
    """A reviewer asks for changes, or a published report is reopened. Raises ReportError."""
    with transaction.atomic():
        report = _locked(report_id, version)
        if report.state == ReportState.DRAFT:
            raise ReportError("The report is a draft already.")
        was = "reopened" if report.state == ReportState.PUBLISHED else "sent back"
        _update(report, state=ReportState.DRAFT, published_at=None, published_by=None, **_unreviewed())
        _say(report, f"The report was {was}. {' '.join(why.split())}".strip(), by=by, at=at)


def publish(report_id: int, *, by: User, at: datetime, version: int) -> None:
    """From now on it stands, with the numbers of now. Raises ReportError that says what is missing."""
    with transaction.atomic():
        report = _locked(report_id, version)
        if report.state == ReportState.PUBLISHED:
            raise ReportError("The report is published already.")
        _refuse([*missing(report), *_unreviewed_says(report)])
        incident = Incident.objects.select_related("service", "rule").get(pk=report.incident_id)
        metrics = _brought_up_to_date(report, incident, at)
        _update(report, state=ReportState.PUBLISHED, published_at=at, published_by=by, metrics=metrics)
        _say(report, "The report was published.", by=by, at=at)


def missing(report: IncidentReport) -> list[str]:
    """What has to be written before it can be published, a sentence each."""
    found = []
    if not report.root_cause.strip():
        found.append("The root cause is empty: write why it happened.")
    if not report.no_follow_ups_reason.strip() and not report.incident.follow_ups.exists():
        found.append("There are no follow-ups: add one, or say why there are none.")
    if not report.summary.strip():
        found.append("The summary is empty: say in a few sentences what happened.")
    return found


def hindrances(report: IncidentReport) -> list[str]:
    """Why it cannot be published yet; empty when it can be."""
    return [*missing(report), *_unreviewed_says(report)]


def _unreviewed_says(report: IncidentReport) -> list[str]:
    if report.state == ReportState.DRAFT:
        return ["Nobody was asked to review it: submit it for review."]
    return [] if report.reviewed_at is not None else ["Nobody has reviewed it yet."]


def _brought_up_to_date(report: IncidentReport, incident: Incident, at: datetime) -> dict[str, Any]:
    fresh = facts.read(incident, at=at).metrics
    # What is no longer kept by the minute cannot be counted again: the numbers of the draft stand.
    if at - incident.started_at > MINUTES_KEPT:
        kept = ("users", "failed_requests", "requests")
        fresh |= {name: report.metrics[name] for name in kept if name in report.metrics}
    return fresh | {"follow_ups": incident.follow_ups.count()}


def _locked(report_id: int, version: int) -> IncidentReport:
    report = IncidentReport.objects.select_for_update(of=("self",)).select_related("incident").get(pk=report_id)
    _check_version(report, version)
    return report


def _check_version(report: IncidentReport, version: int) -> None:
    if report.version == version:
        return
    who = name_of(report.edited_by) if report.edited_by else "Somebody"
    raise StaleError(f"{who} changed the report meanwhile: look at what is new before you go on.")


def _update(report: IncidentReport, **changes: Any) -> None:
    """Conditional on the version that was seen, though the row is held: no writer of this table may do without."""
    rows = IncidentReport.objects.filter(pk=report.pk, version=report.version)
    if not rows.update(version=F("version") + 1, **changes):
        raise StaleError("Somebody changed the report meanwhile: look at what is new before you go on.")


def _unreviewed() -> dict[str, None]:
    """What was reviewed is not what stands there now."""
    return {"reviewed_at": None, "reviewed_by": None}


def _refuse(reasons: list[str]) -> None:
    if reasons:
        raise ReportError(" ".join(reasons))


def _say(report: IncidentReport, text: str, *, by: User, at: datetime) -> None:
    timeline.write(report.incident_id, IncidentEntryKind.REPORT, at=at, by=by, text=text)


def _clean(name: str, text: str) -> str:
    text = _lines(text)
    if name not in SECTIONS:
        text = " ".join(text.split())
    longest = _LONGEST.get(name, _LONGEST_SECTION)
    if len(text) > longest:
        label = name.replace("_", " ").capitalize()
        raise ReportError(f"{label} has at most {longest:,} characters; this one has {len(text):,}.")
    return text


def _lines(text: str) -> str:
    """As it is stored: browsers send other ends of lines."""
    return text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").strip()
