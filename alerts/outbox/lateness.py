"""That a step of an incident's runbook is late: by which alert people are chosen, and how it is put into words."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from alerts.channels.message import AlertMessage, MessageKind
from alerts.durations import written
from alerts.models import (
    Alert,
    AlertRule,
    Incident,
    IncidentSeverity,
    IncidentStep,
    IncidentStepState,
    Notification,
    NotificationKind,
)
from alerts.models.on_call import name_of
from events.choices import SeverityChoices
from events.ingest.types import Severity

_MINUTE = 60


def subject_of(incident: Incident) -> Alert:
    """The alert that came first, by which routes, silences and quiet hours are asked. For an incident that somebody opened by hand
    one that is not kept: critical where an important part fails for many, else an error, of the incident's service."""
    first = incident.alerts.select_related("rule").order_by("membership__joined_at", "membership__pk").first()
    if first is not None:
        return first
    is_critical = incident.severity <= IncidentSeverity.SEV2
    severity = SeverityChoices.CRITICAL if is_critical else SeverityChoices.ERROR
    labels = {"environment": incident.environment} if incident.environment else {}
    rule = AlertRule(name="", severity=severity, service_id=incident.service_id)
    return Alert(rule=rule, labels=labels, severity=severity, summary=incident.title, started_at=incident.started_at)


def severity_of(notification: Notification) -> str:
    """By which quiet hours let a message through. A digest that failed to arrive wakes nobody."""
    if notification.kind == NotificationKind.DIGEST:
        return SeverityChoices.INFO
    subject = notification.alert or (subject_of(notification.incident) if notification.incident else None)
    return subject.severity if subject is not None else SeverityChoices.CRITICAL


def message_of(notification: Notification) -> AlertMessage:
    """“Late: Mitigate (15 min) of incident #12, 4 min over; commander Ada”, or that the step was settled since."""
    incident = notification.incident
    assert incident is not None  # noqa: S101 - rows of this kind are written with one
    step = IncidentStep.objects.filter(pk=notification.number).select_related("settled_by").first()
    is_over = notification.kind == NotificationKind.RESOLVED
    now = timezone.now()
    ended_at = (step.settled_at if step else None) or now
    since = step.due_at if step else notification.created_at
    return AlertMessage(
        kind=MessageKind.RESOLVED if is_over else MessageKind.LATE,
        severity=Severity(subject_of(incident).severity),
        # One of its own for each step: PagerDuty's incident is found by it, and mails thread by it.
        alert_id=f"incident-{incident.pk}-step-{notification.number}",
        title=f"{named(step)} of incident #{incident.pk}" if step else f"A step of incident #{incident.pk}",
        at=now,
        since=min(since, ended_at) if is_over else since,
        what=_settled(step)
        if is_over
        else f"{over(step, now) if step else 'Late'}; {_commander(incident)}. {incident.title}",
        where=_where(incident),
        url=address_of(incident.pk),
        resolved_at=ended_at if is_over else None,
        labels={"incident": str(incident.pk), **({"step": step.title} if step else {})},
    )


def address_of(incident_id: int) -> str:
    """Of the incident's page."""
    return f"{settings.BASE_URL}{reverse('admin:index')}alerts/incident/{incident_id}/change/"


def named(step: IncidentStep) -> str:
    """“Mitigate (15 min)”."""
    return f"{step.title} ({written(step.target_minutes * _MINUTE)})"


def over(step: IncidentStep, now: datetime) -> str:
    """“4 min over”."""
    seconds = max(int((now - step.due_at).total_seconds()), 0)
    return f"{written(seconds - seconds % _MINUTE) if seconds >= _MINUTE else 'just'} over"


def _settled(step: IncidentStep | None) -> str:
    if step is None:
        return "The incident follows another runbook."
    if step.state == IncidentStepState.OPEN:
        return "The incident is over."
    by = f" by {name_of(step.settled_by)}" if step.settled_by else ""
    return f"{step.get_state_display()}{by}{f': {step.outcome}' if step.outcome else ''}"


def _commander(incident: Incident) -> str:
    return f"commander {name_of(incident.commander)}" if incident.commander else "no commander"


def _where(incident: Incident) -> str:
    return ", ".join(one for one in (incident.service.name if incident.service else "", incident.environment) if one)
