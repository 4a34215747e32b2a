"""Drafts the report of an incident when it is resolved: facts alone. Why it happened is for people to find and to write.

Called wherever an incident may have been resolved: a draft that nobody touched is made anew, one that somebody edited stays.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import structlog
from django.db import transaction

from alerts.conditions import spoken
from alerts.incidents import timeline
from alerts.incidents.report.facts import Facts, kinds_of, read, seconds_between
from alerts.incidents.report.plain import plain
from alerts.models import (
    Incident,
    IncidentEntry,
    IncidentEntryKind,
    IncidentReport,
    IncidentSeverity,
    IncidentState,
    IncidentStepState,
    NotificationState,
    ReportState,
)
from alerts.models.on_call import name_of
from alerts.runbooks.steps import is_in_time, took

logger = structlog.get_logger(__name__)
# The guide: the severity is checked within five minutes, which takes somebody who has seen it.
ACKNOWLEDGED_WITHIN = timedelta(minutes=5)
_SECTION, _TIMELINE = 20_000, 50_000
_LATELY = timedelta(days=7)


def draft(incident: Incident, *, at: datetime) -> IncidentReport:
    """The report of the incident: made, made anew, or left as people edited it."""
    with transaction.atomic():
        # One at a time, and alerts may join meanwhile.
        incident = (
            Incident.objects.select_for_update(of=("self",), no_key=True)
            .select_related("service", "rule", "opened_by", "commander")
            .get(pk=incident.pk)
        )
        report = IncidentReport.objects.filter(incident=incident).first()
        if report is not None and (report.state != ReportState.DRAFT or report.edited_at is not None):
            return report
        is_new = report is None
        report = report or IncidentReport(incident=incident)
        _fill(report, read(incident, at=at))
        report.drafted_at = at
        report.save()
        if is_new:
            text = "The report was drafted. Its root cause is for people to write."
            timeline.write(incident.pk, IncidentEntryKind.REPORT, at=at, text=text)
    return report


def draft_resolved(incident_id: int, *, at: datetime) -> None:
    """Of an incident that was just resolved. What fails here is tried again (`draft_missing`)."""
    try:
        draft(Incident(pk=incident_id), at=at)
    except Exception:
        logger.exception("report_not_drafted", incident=incident_id)


def draft_missing(*, now: datetime) -> int:
    """Of incidents that were resolved lately and have none; how many were drafted."""
    over = Incident.objects.filter(state__in=(IncidentState.RESOLVED, IncidentState.CLOSED), report=None)
    missing = list(over.filter(resolved_at__gt=now - _LATELY).order_by("pk").values_list("pk", flat=True)[:20])
    for incident_id in missing:
        draft_resolved(incident_id, at=now)
    return IncidentReport.objects.filter(incident__in=missing).count()


def _fill(report: IncidentReport, facts: Facts) -> None:
    report.title = facts.incident.title
    report.summary = _cut(_summary(facts), _SECTION)
    report.impact = _cut(_impact(facts), _SECTION)
    report.timeline = _cut(_timeline(facts), _TIMELINE)
    report.detection = _cut(_detection(facts), _SECTION)
    report.went_well = _cut(_bullets(_went_well(facts)), _SECTION)
    report.went_badly = _cut(_bullets(_went_badly(facts)), _SECTION)
    report.suspects = list(facts.suspects)
    report.metrics = facts.metrics


def _summary(facts: Facts) -> str:
    incident, impact = facts.incident, facts.impact
    where = ", ".join(one for one in (incident.service.name if incident.service else "", incident.environment) if one)
    place = f" It was in {plain(where)}." if where else ""
    severity = IncidentSeverity(incident.severity)
    lines = [f"{severity.name}, {severity.label.partition(': ')[2]}.{place} {_when(facts)}"]
    hurt = _hurt(impact.users_count, impact.failed_count)
    if hurt:
        lines.append(hurt)
    ended = next((one for one in reversed(facts.entries) if one.state == IncidentState.RESOLVED), None)
    if ended is not None:
        by = f" by {plain(name_of(ended.actor))}" if ended.actor else " by a rule"
        lines.append(f"It was resolved{by} {_after(facts, ended.at)} it was opened.")
    return " ".join(lines)


def _when(facts: Facts) -> str:
    incident = facts.incident
    began = f"{_clock(incident.started_at)} on {incident.started_at.astimezone(UTC):%Y-%m-%d}"
    if incident.ended_at is None:
        return f"Users were hurt from {began}; nobody said until when."
    lasted = spoken((incident.ended_at - incident.started_at).total_seconds())
    return f"Users were hurt from {began} until {_at(incident.ended_at, incident.started_at)}: {lasted}."


def _hurt(users: int | None, failed: int | None) -> str:
    if users is None or failed is None:
        return ""
    if not users and not failed:
        return "No failure was counted meanwhile."
    who = "1 user was hurt" if users == 1 else f"{users:,} users were hurt"
    return f"{who}; {'1 request' if failed == 1 else f'{failed:,} requests'} failed."


def _impact(facts: Facts) -> str:
    impact, incident = facts.impact, facts.incident
    if impact.failed_count is None or impact.users_count is None:
        counted = [
            "Nobody counted whom it hurt: it has no alert, issue or service, or is too long ago. Write what is known."
        ]
    else:
        of = f" of {impact.requests_count:,} at these endpoints" if impact.requests_count else ""
        counted = [
            f"**Users:** {impact.users_count:,}, told apart by their hashes",
            f"**Failed requests:** {impact.failed_count:,}{of}",
        ]
    lasted = seconds_between(incident.started_at, incident.ended_at)
    lines = [*counted, f"**Duration:** {spoken(lasted) if lasted is not None else 'not known yet'}"]
    lines += [
        f"**{label}:** {_listed(rows)}"
        for label, rows in (("Features", impact.features), ("Endpoints", impact.endpoints))
        if rows
    ]
    components = [
        f"{plain(one.component.name)} ({one.get_level_display().lower()})"
        for one in incident.impacts.select_related("component").order_by("started_at", "pk")
    ]
    if components:
        lines.append(f"**Components:** {', '.join(dict.fromkeys(components))}")
    return _bullets(lines)


def _listed(rows: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{plain(name, 200)} ({count:,})" for name, count in rows)


def _timeline(facts: Facts) -> str:
    """What happened, without the messages that arrived: those are counted."""
    lines, day = ["All times are UTC."], None
    for entry in facts.entries:
        if entry.kind == IncidentEntryKind.NOTIFICATION:
            continue
        local = entry.at.astimezone(UTC)
        if local.date() != day:
            day = local.date()
            lines += ["", f"**{day:%Y-%m-%d}**", ""]
        lines.append(_line(entry))
    sent = sum(one.state == NotificationState.SENT for one in facts.notifications)
    failed = len(facts.failed_notifications)
    lines += ["", f"Messages that were sent: {sent:,}; that could not be delivered: {failed:,}."]
    return "\n".join(lines)


def _line(entry: IncidentEntry) -> str:
    by = f" ({plain(name_of(entry.actor))})" if entry.actor else ""
    return f"- {entry.at.astimezone(UTC):%H:%M} **{entry.get_kind_display()}:** {plain(entry.text, 300)}{by}"


def _detection(facts: Facts) -> str:
    incident = facts.incident
    first = min((one.fired_at for one in facts.alerts if one.fired_at), default=None)
    if incident.rule is not None and first is not None:
        how = f"The rule “{plain(incident.rule.name)}” noticed it."
    elif incident.opened_by is not None:
        how = f"{plain(name_of(incident.opened_by))} noticed it and opened the incident by hand."
    else:
        how = "The incident was opened by hand."
    lines = [f"**First failure:** {_clock(incident.started_at)}"]
    if first is not None:
        lines.append(f"**First alert:** {_at(first, incident.started_at)}, {_later(incident.started_at, first)}")
    lines.append(
        f"**Opened:** {_at(incident.opened_at, incident.started_at)}, {_later(incident.started_at, incident.opened_at)}"
    )
    if incident.acknowledged_at is not None:
        seen = next((one for one in facts.entries if one.state == IncidentState.ACKNOWLEDGED), None)
        by = f" by {plain(name_of(seen.actor))}" if seen and seen.actor else ""
        when = _at(incident.acknowledged_at, incident.started_at)
        lines.append(f"**Acknowledged:** {when}{by}, {_after(facts, incident.acknowledged_at)} it was opened")
    else:
        lines.append("**Acknowledged:** by nobody")
    return f"{how}\n\n{_bullets(lines)}"


def _went_well(facts: Facts) -> Iterable[str]:
    incident = facts.incident
    if incident.rule is not None:
        yield "A rule noticed it, and no person had to."
    if incident.acknowledged_at is not None and incident.acknowledged_at - incident.opened_at <= ACKNOWLEDGED_WITHIN:
        yield f"It was acknowledged {_after(facts, incident.acknowledged_at)} it was opened."
    for step in facts.steps:
        if step.state == IncidentStepState.DONE and is_in_time(step):
            after = spoken(took(step).total_seconds())
            yield f"“{plain(step.title)}” was done after {after}, within its {step.target_minutes} minutes."
    if facts.updates_count:
        yield f"Users were told on the status page: {facts.updates_count:,} update{'' if facts.updates_count == 1 else 's'}."


def _went_badly(facts: Facts) -> Iterable[str]:
    incident = facts.incident
    if incident.acknowledged_at is None:
        yield "Nobody acknowledged it."
    elif incident.acknowledged_at - incident.opened_at > ACKNOWLEDGED_WITHIN:
        yield f"It was acknowledged only {_after(facts, incident.acknowledged_at)} it was opened."
    for step in facts.steps:
        if step.state == IncidentStepState.DONE and not is_in_time(step):
            late = ((step.settled_at or step.due_at) - step.due_at).total_seconds()
            yield f"“{plain(step.title)}” was done {spoken(late)} late, after {spoken(took(step).total_seconds())}."
    for step in facts.undone:
        yield f"“{plain(step.title)}” was not done, and should have been within {step.target_minutes} minutes."
    for one in facts.failed_notifications[:20]:
        yield f"{plain(one.channel.name)} could not be told: {plain(one.reason or 'given up')}"
    again = [one for one in kinds_of(facts.entries, IncidentEntryKind.STATE) if one.text.startswith("Opened again")]
    if again:
        yield f"It came back: it was opened again {len(again)} time{'' if len(again) == 1 else 's'}."
    if not facts.updates_count and incident.severity <= IncidentSeverity.SEV2:
        yield "Nothing was said on the status page."


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _after(facts: Facts, at: datetime) -> str:
    """“3 minutes after”."""
    return f"{spoken(max((at - facts.incident.opened_at).total_seconds(), 0))} after"


def _later(start: datetime, at: datetime) -> str:
    seconds = (at - start).total_seconds()
    return f"{spoken(seconds)} later" if seconds >= 1 else "at once"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"


def _at(at: datetime, than: datetime) -> str:
    """With the day where it is another."""
    local = at.astimezone(UTC)
    return _clock(at) if local.date() == than.astimezone(UTC).date() else f"{local:%Y-%m-%d %H:%M:%S} UTC"


def _cut(text: str, most: int) -> str:
    """At the end of a line, so that no sign of Markdown is left open."""
    text = text.strip()
    if len(text) <= most:
        return text
    kept = text[: most - 40].rpartition("\n")[0] or text[: most - 40]
    return f"{kept}\n\n(It goes on in the incident.)"
