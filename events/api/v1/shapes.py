"""What services, events and issues look like to a program: what the admin shows of them, and no more."""

from datetime import UTC
from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from events.choices import KindChoices, SeverityChoices
from events.models import Event, Issue, IssueStatus, Tier, TransitionKind

_HISTORY_LISTED = 50


class UtcField(serializers.DateTimeField):
    """A time in UTC, whatever the reader's zone is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": {}}})
class ObjectsField(serializers.JSONField):
    """A list of objects, as it is stored."""


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(serializers.JSONField):
    """An object, as it is stored."""


class ServiceNameSerializer(serializers.Serializer[Any]):
    """Which service."""

    id = serializers.IntegerField(source="pk")
    slug = serializers.CharField()
    name = serializers.CharField()


class ServiceSerializer(serializers.Serializer[Any]):
    """What sends events."""

    id = serializers.IntegerField(source="pk")
    slug = serializers.CharField(help_text="Its short name, for addresses and scripts.")
    name = serializers.CharField()
    owner = serializers.CharField(source="owner.username", allow_null=True, help_text="A username.")
    created_at = UtcField()
    first_event_at = UtcField(allow_null=True)
    last_event_at = UtcField(allow_null=True, help_text="When it was last heard, to the minute.")
    event_count_24h = serializers.IntegerField(help_text="Events in the last 24 hours.")
    admin_url = serializers.SerializerMethodField(help_text="Its page, for people.")

    def get_admin_url(self, service: Any) -> str:
        return _admin_url("service", service.pk)


class EventSummarySerializer(serializers.Serializer[Any]):
    """One occurrence, without what it carries."""

    id = serializers.UUIDField(help_text="Ours; ids sort by the time of the event.")
    event_id = serializers.UUIDField(help_text="The client's, or ours when it sent none.")
    service = ServiceNameSerializer()
    issue = serializers.IntegerField(
        source="issue_id", allow_null=True, help_text="The issue that it belongs to; null for what is no failure."
    )
    name = serializers.CharField()
    kind = serializers.ChoiceField(KindChoices.choices)
    severity = serializers.ChoiceField(SeverityChoices.choices)
    tier = serializers.ChoiceField(Tier.choices, help_text="How soon a person must look.")
    message = serializers.CharField()
    occurred_at = UtcField()
    received_at = UtcField()
    environment = serializers.CharField()
    release = serializers.CharField()
    endpoint = serializers.CharField()
    duration_ms = serializers.FloatField(allow_null=True)
    user_hash = serializers.CharField(help_text="A keyed hash; empty when no user was named.")
    session_id = serializers.CharField()
    admin_url = serializers.SerializerMethodField(help_text="Its page, for people.")

    def get_admin_url(self, event: Event) -> str:
        return _admin_url("event", event.pk)


class MarkSerializer(serializers.Serializer[Any]):
    """One field that was changed on its way in."""

    path = serializers.CharField(help_text="Such as data.user.email.")
    rule = serializers.CharField(help_text="Why, such as email or nul.")


class EventDetailSerializer(EventSummarySerializer):
    """One occurrence with all that it carries, scrubbed."""

    exception = ObjectsField(help_text="The chain, the oldest cause first; frames caller first, crash last.")
    breadcrumbs = ObjectsField()
    tags = ObjectField()
    scrubbed = MarkSerializer(many=True, help_text="What was removed or masked.")
    repaired = MarkSerializer(many=True, help_text="What was mended so that it could be stored.")

    def get_fields(self) -> dict[str, Any]:
        """``data`` is also a property of every serializer, so it cannot be declared by name."""
        return {**super().get_fields(), "data": ObjectField(help_text="Everything else that the event said.")}


class IssueSummarySerializer(serializers.Serializer[Any]):
    """Failures with one cause."""

    id = serializers.IntegerField(source="pk")
    title = serializers.CharField()
    culprit = serializers.CharField()
    service = ServiceNameSerializer()
    name = serializers.CharField(help_text="Of its newest event.")
    severity = serializers.ChoiceField(SeverityChoices.choices, help_text="The worst seen.")
    tier = serializers.ChoiceField(Tier.choices, help_text="How soon a person must look.")
    status = serializers.ChoiceField(IssueStatus.choices)
    is_regressed = serializers.BooleanField(help_text="Came back after it was resolved.")
    first_seen_at = UtcField()
    last_seen_at = UtcField()
    event_count = serializers.IntegerField()
    user_count = serializers.IntegerField()
    resolved_at = UtcField(allow_null=True)
    assignee = serializers.CharField(source="assignee.username", allow_null=True, help_text="A username.")
    merged_into = serializers.IntegerField(
        source="merged_into_id", allow_null=True, help_text="The issue that its events count for now."
    )
    admin_url = serializers.SerializerMethodField(help_text="Its page, for people.")

    def get_admin_url(self, issue: Issue) -> str:
        return _admin_url("issue", issue.pk)


class TransitionSerializer(serializers.Serializer[Any]):
    """Something that happened to an issue."""

    kind = serializers.ChoiceField(TransitionKind.choices)
    at = UtcField()
    actor = serializers.CharField(
        source="actor.username", allow_null=True, help_text="A username; null: Liftmon itself."
    )
    detail = serializers.CharField()


class IssueDetailSerializer(IssueSummarySerializer):
    """Failures with one cause, and what happened to them."""

    history = serializers.SerializerMethodField(help_text="The latest changes, newest first.")

    @extend_schema_field(TransitionSerializer(many=True))
    def get_history(self, issue: Issue) -> Any:
        transitions = issue.transitions.select_related("actor").order_by("-at", "-pk")[:_HISTORY_LISTED]
        return TransitionSerializer(transitions, many=True).data


def _admin_url(noun: str, pk: object) -> str:
    return f"{settings.BASE_URL}{reverse(f'admin:events_{noun}_change', args=[pk])}"
