"""The outbox: what people are to be told, written in the transaction that changed the alert, and each attempt to tell it."""

from uuid import uuid4

from django.db import models
from django.db.models import Q

from alerts.models.alert import Alert
from alerts.models.channel import Channel


class NotificationKind(models.TextChoices):
    FIRING = "firing", "Fires"
    REPEAT = "repeat", "Still fires"
    # Somebody acknowledged or muted it: what was said before is changed, where it can be.
    CHANGED = "changed", "Changed"
    RESOLVED = "resolved", "Resolved"
    TEST = "test", "Test"
    # A step of an incident's runbook is not done in time; `number` is the step's id.
    LATE = "late", "Runbook step late"
    # Neither an alert nor an incident is behind it: `content` is what is said.
    DIGEST = "digest", "Digest"


class NotificationState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    SENT = "sent", "Sent"
    DEAD = "dead", "Given up"
    MUTED = "muted", "Muted"
    DROPPED = "dropped", "No longer needed"


class Notification(models.Model):
    """One message to one channel. Retries carry the same key, so that the other side can tell a repeat."""

    key = models.UUIDField(default=uuid4, unique=True, editable=False)
    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE, related_name="notifications")
    # What concerns an incident and none of its alerts alone.
    incident = models.ForeignKey("alerts.Incident", null=True, on_delete=models.CASCADE, related_name="notifications")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=8, choices=NotificationKind.choices)
    # Which repeat or change it is, or which step of an escalation (EscalationDue.number); 0 otherwise.
    number = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, choices=NotificationState.choices, default=NotificationState.WAITING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempt_count = models.PositiveIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)
    # When the fallback address was told that it was given up.
    fallback_told_at = models.DateTimeField(null=True)
    # Why it is muted or dropped.
    reason = models.CharField(max_length=300, blank=True)
    # The alert that mutes it (alerts.outbox.inhibiting).
    inhibited_by = models.ForeignKey(Alert, null=True, on_delete=models.SET_NULL, related_name="inhibited")
    # What the other side calls the message, by which it can be changed later: {"channel": …, "ts": …} of Slack.
    receipt = models.JSONField(default=dict)
    # What a digest says, written before: {"subject": …, "text": …, "html": …, "blocks": …} (alerts.channels.written_message).
    content = models.JSONField(default=dict)
    # The message that told of this one too, when many were due for the channel at once.
    carrier = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="carried")

    class Meta:
        default_permissions = ("view",)
        constraints = [
            # An alert's transition is told once a channel, however many evaluators saw it.
            models.UniqueConstraint(
                "alert", "channel", "kind", "number", name="notification_once", condition=Q(alert__isnull=False)
            ),
            models.UniqueConstraint(
                "incident",
                "channel",
                "kind",
                "number",
                name="notification_of_incident_once",
                condition=Q(incident__isnull=False),
            ),
        ]
        indexes = [
            # What is due, the oldest first.
            models.Index("due_at", name="notification_due", condition=Q(state="waiting")),
        ]

    @property
    def subject(self) -> str:
        """Of a digest."""
        return str(self.content.get("subject", "")) or "a digest"

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.channel}"


class NotificationAttempt(models.Model):
    """What the other side answered, and after how long."""

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    is_accepted = models.BooleanField()
    # HTTP's or SMTP's; null where there was no answer.
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.CharField(max_length=500, blank=True)
    took_ms = models.PositiveIntegerField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index("notification", "at", name="attempt_by_notification")]
