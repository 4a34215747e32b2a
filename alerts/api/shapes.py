"""What alerts and what people are told of them look like to a program: what the admin shows, and no more."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from alerts.models import Alert, AlertState, EntryKind, Notification, NotificationKind, NotificationState
from alerts.outbox import telling, wording
from events.api.v1.shapes import ObjectField, UtcField
from events.choices import SeverityChoices

_LISTED = 50


class RuleNameSerializer(serializers.Serializer[Any]):
    """Which rule."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class ChannelNameSerializer(serializers.Serializer[Any]):
    """Which channel."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()


class AttemptSerializer(serializers.Serializer[Any]):
    """One attempt to send a notification."""

    at = UtcField()
    is_accepted = serializers.BooleanField()
    status = serializers.IntegerField(allow_null=True, help_text="Of HTTP or SMTP; null: nobody answered.")
    answer = serializers.CharField(help_text="What the other side said, without secrets.")
    took_ms = serializers.IntegerField()


class NotificationSerializer(serializers.Serializer[Any]):
    """One message to one channel, and each attempt to send it."""

    id = serializers.IntegerField(source="pk")
    key = serializers.UUIDField(help_text="The same whenever it is sent again, by which receivers know a repeat.")
    alert = serializers.IntegerField(
        source="alert_id", allow_null=True, help_text="An alert's id; null for a test, a late step and a digest."
    )
    incident = serializers.IntegerField(
        source="incident_id", allow_null=True, help_text="The incident that a late step of a runbook is told of."
    )
    channel = ChannelNameSerializer()
    kind = serializers.ChoiceField(NotificationKind.choices)
    number = serializers.IntegerField(help_text="Which repeat it is.")
    state = serializers.ChoiceField(NotificationState.choices)
    reason = serializers.CharField(help_text="Why it was muted, dropped or given up.")
    created_at = UtcField()
    due_at = UtcField()
    settled_at = UtcField(allow_null=True)
    carrier = serializers.IntegerField(
        source="carrier_id", allow_null=True, help_text="The notification whose message told of this one, too."
    )
    attempt_count = serializers.IntegerField()
    attempts = serializers.SerializerMethodField(help_text="The oldest first.")

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, notification: Notification) -> Any:
        """Of rows that were read with their attempts."""
        attempts = sorted(notification.attempts.all(), key=lambda one: (one.at, one.pk))
        return AttemptSerializer(attempts, many=True).data


class EntrySerializer(serializers.Serializer[Any]):
    """One line of an alert's history."""

    kind = serializers.ChoiceField(EntryKind.choices)
    at = UtcField()
    actor = serializers.CharField(
        source="actor.username", allow_null=True, help_text="A username; null: Liftmon itself, or somebody by a link."
    )
    text = serializers.CharField()


class AlertSummarySerializer(serializers.Serializer[Any]):
    """That a rule's condition holds for one group, from when until when, and who looks after it."""

    id = serializers.IntegerField(source="pk")
    rule = RuleNameSerializer()
    title = serializers.SerializerMethodField(help_text="The rule, and what its group is about.")
    summary = serializers.CharField(help_text="What is wrong, in one sentence.")
    state = serializers.ChoiceField(AlertState.choices)
    severity = serializers.ChoiceField(SeverityChoices.choices)
    labels = serializers.DictField(child=serializers.CharField(), help_text="The words of its group.")
    value = serializers.FloatField(allow_null=True, help_text="What was held against the threshold.")
    threshold = serializers.FloatField(allow_null=True)
    event_count = serializers.IntegerField(help_text="Events that brought it; 0 for what is judged by windows.")
    started_at = UtcField(help_text="When the condition began to hold.")
    fired_at = UtcField(allow_null=True)
    resolved_at = UtcField(allow_null=True)
    held_at = UtcField(help_text="When the condition was last seen to hold.")
    acknowledged_at = UtcField(allow_null=True)
    acknowledged_by = serializers.CharField(
        source="acknowledged_by.username", allow_null=True, help_text="A username; null also for somebody by a link."
    )
    admin_url = serializers.SerializerMethodField(help_text="Its page, for people.")

    def get_title(self, alert: Alert) -> str:
        return wording.title_of(alert)

    def get_admin_url(self, alert: Alert) -> str:
        return f"{settings.BASE_URL}{reverse('admin:alerts_alert_change', args=[alert.pk])}"


class AlertDetailSerializer(AlertSummarySerializer):
    """An alert with what it rests on, what happened to it, and who was told."""

    evidence = ObjectField(help_text="What it rests on; differs by condition.")
    runbook = serializers.CharField(
        source="rule.runbook", help_text="What to do, or the address of a page that says so."
    )
    muted = serializers.SerializerMethodField(help_text="Which silence or maintenance mutes it now; empty: none.")
    timeline = serializers.SerializerMethodField(help_text=f"The latest {_LISTED} entries, newest first.")
    notifications = serializers.SerializerMethodField(help_text=f"The latest {_LISTED}, newest first.")

    def get_muted(self, alert: Alert) -> str:
        return telling.why_muted(alert, at=timezone.now())

    @extend_schema_field(EntrySerializer(many=True))
    def get_timeline(self, alert: Alert) -> Any:
        entries = alert.entries.select_related("actor").order_by("-at", "-pk")[:_LISTED]
        return EntrySerializer(entries, many=True).data

    @extend_schema_field(NotificationSerializer(many=True))
    def get_notifications(self, alert: Alert) -> Any:
        rows = alert.notifications.select_related("channel").prefetch_related("attempts").order_by("-pk")[:_LISTED]
        return NotificationSerializer(rows, many=True).data
