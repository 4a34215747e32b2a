"""Alerts: that a rule's condition holds for one group, from when until when, and who looks after it."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.dateparse import parse_datetime

from alerts.models.rule import AlertRule
from events.choices import SeverityChoices


class AlertState(models.TextChoices):
    PENDING = "pending", "Pending"
    FIRING = "firing", "Firing"
    RESOLVED = "resolved", "Resolved"


class AlertQuerySet(models.QuerySet["Alert"]):
    def open(self) -> "AlertQuerySet":
        return self.filter(state__in=(AlertState.PENDING, AlertState.FIRING))

    def firing(self) -> "AlertQuerySet":
        return self.filter(state=AlertState.FIRING)

    def of_service(self, service_id: int) -> "AlertQuerySet":
        """By the group, else the rule, else the event that brought it: as routes and silences see it (alerts.outbox.telling)."""
        by_rule = Q(rule__service=service_id) | Q(rule__service=None, evidence__service=service_id)
        return self.filter(Q(labels__service=str(service_id)) | ~Q(labels__has_key="service") & by_rule)


class Alert(models.Model):
    """One open row a rule and group; when it is resolved the row stays as history and the next one is a new row."""

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts")
    # The words of the group: {"endpoint": "/api/career"}; sorted and written down they are `group_key`.
    labels = models.JSONField(default=dict)
    group_key = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=AlertState.choices)
    severity = models.CharField(max_length=8, choices=SeverityChoices.choices)
    started_at = models.DateTimeField(help_text="When the condition began to hold.")
    fired_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    # The last moment that the condition was seen to hold.
    held_at = models.DateTimeField()
    judged_at = models.DateTimeField()
    value = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    # What is wrong, in one sentence, and what it rests on.
    summary = models.CharField(max_length=500)
    evidence = models.JSONField(default=dict)
    event_count = models.BigIntegerField(default=0, help_text="Events that brought it; of immediate conditions alone.")
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = AlertQuerySet.as_manager()

    class Meta:
        default_permissions = ("view", "change")
        constraints = [
            # Two evaluators at once make one alert.
            models.UniqueConstraint("rule", "group_key", condition=~Q(state="resolved"), name="alert_open_once"),
        ]
        indexes = [
            # The inbox: what is open, and what was resolved last.
            models.Index("state", models.F("started_at").desc(), name="alert_by_state"),
            models.Index("rule", models.F("started_at").desc(), name="alert_by_rule"),
        ]

    @property
    def began_at(self) -> datetime:
        """When its first failure happened, as far as the evidence tells: before it was noticed, and long before if sent late."""
        members = self.evidence.get("members", ())
        told = [self.evidence.get("occurred_at"), *(member.get("began_at") for member in members)]
        return min([self.started_at, *(moment for one in told if one and (moment := parse_datetime(one)) is not None)])

    def __str__(self) -> str:
        return self.summary


class EntryKind(models.TextChoices):
    STARTED = "started", "Condition holds"
    FIRED = "fired", "Fires"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    RESOLVED = "resolved", "Resolved"
    SUBSIDED = "subsided", "Ended before it fired"
    NOTED = "noted", "Note"


class AlertEntry(models.Model):
    """One line of an alert's history."""

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=12, choices=EntryKind.choices)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index("alert", "at", name="alertentry_by_alert")]
