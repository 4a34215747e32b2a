"""Incidents as tests need them."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from alerts.incidents import opening
from alerts.models import Alert, AlertState, Incident, IncidentEntry
from alerts.outbox import telling
from tests.alerts.sending import fire, make_rule


def make_incident(title: str = "Payments fail", *, at: datetime | None = None, **fields: Any) -> Incident:
    """Opened by hand."""
    at = at or timezone.now()
    incident = opening.open_by_hand(
        title=title, severity=fields.pop("severity", 2), service=fields.pop("service", None), by=fields.pop("by", None), at=at
    )  # fmt: skip
    if fields:
        Incident.objects.filter(pk=incident.pk).update(**fields)
        incident.refresh_from_db()
    return incident


def fire_grave(labels: dict[str, str] | None = None, *, at: datetime, **fields: Any) -> Alert:
    """An alert whose rule opens incidents, given to one and told as the evaluation does."""
    rule = fields.pop("rule", None) or make_rule(opens_incident=True, name=f"Rule {Alert.objects.count()}")
    alert = fire(rule, labels, at=at, is_told=False, **fields)
    opening.take(alert, at=at)
    telling.tell(alert, at=at)
    return alert


def end_alert(alert: Alert, *, at: datetime) -> None:
    Alert.objects.filter(pk=alert.pk).update(state=AlertState.RESOLVED, resolved_at=at)


def said(incident: Incident, kind: str = "") -> list[str]:
    """The texts of the timeline, the oldest first."""
    entries = IncidentEntry.objects.filter(incident=incident).order_by("at", "pk")
    return [one.text for one in (entries.filter(kind=kind) if kind else entries)]
