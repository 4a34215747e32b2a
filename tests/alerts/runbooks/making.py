"""Incidents and runbooks for tests."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from alerts.models import Alert, Incident, IncidentAlert, Runbook, RunbookStep


def make_incident(*alerts: Alert, at: datetime | None = None, **fields: Any) -> Incident:
    """One that was opened at that time, by the first of the alerts where there are some."""
    at = at or timezone.now()
    rule = alerts[0].rule if alerts else None
    values = {"title": "Checkout fails", "opened_at": at, "started_at": at, "rule": rule}
    incident = Incident.objects.create(**{**values, **fields})
    for alert in alerts:
        IncidentAlert.objects.create(incident=incident, alert=alert, joined_at=at)
    return incident


def make_runbook(name: str = "Checkout", *targets: int, **fields: Any) -> Runbook:
    """With a step for each of the targets, in minutes."""
    rules = fields.pop("rules", ())
    runbook = Runbook.objects.create(name=name, **fields)
    runbook.rules.set(rules)
    for position, minutes in enumerate(targets):
        RunbookStep.objects.create(
            runbook=runbook, position=position, title=f"Step {position + 1}", target_minutes=minutes, text="Look."
        )
    return runbook


def make_user(name: str = "ada") -> User:
    return User.objects.create_user(name, first_name=name.capitalize(), is_staff=True)
