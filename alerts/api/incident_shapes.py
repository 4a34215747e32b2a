"""What incidents look like to a program: what the admin shows, and no more."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from alerts.incidents import impact
from alerts.incidents.states import Move, moves_from
from alerts.models import (
    Bond,
    Incident,
    IncidentEntryKind,
    IncidentSeverity,
    IncidentState,
    IncidentStepState,
    StepKind,
)
from alerts.outbox import wording
from events.api.v1.shapes import UtcField

_LISTED = 200


class IncidentSummarySerializer(serializers.Serializer[Any]):
    """What is wrong for users, from when until when, and who looks after it."""

    id = serializers.IntegerField(source="pk")
    title = serializers.CharField()
    state = serializers.ChoiceField(IncidentState.choices)
    severity = serializers.ChoiceField(IncidentSeverity.choices, help_text="1 (SEV1) to 4 (SEV4).")
    service = serializers.CharField(source="service.slug", allow_null=True, help_text="A slug; null: several.")
    environment = serializers.CharField(help_text="Empty: several.")
    opened_by = serializers.SerializerMethodField(help_text="The rule that opened it; empty: a person did.")
    commander = serializers.CharField(source="commander.username", allow_null=True, help_text="Who decides.")
    communications_lead = serializers.CharField(
        source="communications_lead.username", allow_null=True, help_text="Who tells users."
    )
    started_at = UtcField(help_text="When users were hurt first.")
    ended_at = UtcField(allow_null=True, help_text="When it was over for users; null: not yet.")
    opened_at = UtcField()
    acknowledged_at = UtcField(allow_null=True)
    mitigated_at = UtcField(allow_null=True)
    resolved_at = UtcField(allow_null=True)
    closed_at = UtcField(allow_null=True)
    admin_url = serializers.SerializerMethodField(help_text="Its page, for people.")

    def get_opened_by(self, incident: Incident) -> str:
        return incident.rule.name if incident.rule else ""

    def get_admin_url(self, incident: Incident) -> str:
        return f"{settings.BASE_URL}{reverse('admin:alerts_incident_change', args=[incident.pk])}"


class IncidentAlertSerializer(serializers.Serializer[Any]):
    """An alert that is part of it, and why."""

    id = serializers.IntegerField(source="alert_id")
    title = serializers.SerializerMethodField()
    state = serializers.CharField(source="alert.state")
    severity = serializers.CharField(source="alert.severity")
    bond = serializers.ChoiceField(Bond.choices, help_text="Why it is part of it.")
    why = serializers.CharField(help_text="The same in a sentence; empty for the alert that opened it.")
    joined_at = UtcField()

    def get_title(self, membership: Any) -> str:
        return wording.title_of(membership.alert)


class IncidentIssueSerializer(serializers.Serializer[Any]):
    """An issue that is part of it."""

    id = serializers.IntegerField(source="pk")
    title = serializers.CharField()
    name = serializers.CharField()


class IncidentStepSerializer(serializers.Serializer[Any]):
    """A step of the runbook that it follows."""

    id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(StepKind.choices)
    title = serializers.CharField()
    state = serializers.ChoiceField(IncidentStepState.choices)
    due_at = UtcField()
    settled_at = UtcField(allow_null=True)
    settled_by = serializers.CharField(source="settled_by.username", allow_null=True)
    outcome = serializers.CharField(help_text="What came of it, or why it was not needed.")


class FollowUpSerializer(serializers.Serializer[Any]):
    """What is to be done so that it does not come back."""

    id = serializers.IntegerField(source="pk")
    text = serializers.CharField()
    owner = serializers.CharField(source="owner.username", allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    done_at = UtcField(allow_null=True)


class IncidentEntrySerializer(serializers.Serializer[Any]):
    """One line of its timeline."""

    kind = serializers.ChoiceField(IncidentEntryKind.choices)
    at = UtcField()
    actor = serializers.CharField(source="actor.username", allow_null=True, help_text="A username; null: Liftmon.")
    text = serializers.CharField(help_text="Markdown of a note, one sentence otherwise.")
    edited_at = UtcField(allow_null=True)


class IncidentDetailSerializer(IncidentSummarySerializer):
    """An incident with everything that is known of it."""

    moves = serializers.SerializerMethodField(help_text="What may be done next.")
    users_hurt = serializers.SerializerMethodField(
        help_text="Whom its failures name; null: nothing says which failures are of it."
    )
    alerts = serializers.SerializerMethodField(help_text=f"At most {_LISTED}.")
    issues = serializers.SerializerMethodField(help_text=f"At most {_LISTED}.")
    steps = serializers.SerializerMethodField(help_text="Of its runbook, in order.")
    follow_ups = serializers.SerializerMethodField()
    timeline = serializers.SerializerMethodField(help_text=f"The latest {_LISTED} entries, newest first.")

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField([(one.value, one.value) for one in Move])))
    def get_moves(self, incident: Incident) -> list[str]:
        return [move.value for move in moves_from(incident.state)]

    def get_users_hurt(self, incident: Incident) -> int | None:
        alerts = list(incident.alerts.select_related("rule"))
        return impact.impact_of(incident, alerts, now=timezone.now()).users_count

    @extend_schema_field(IncidentAlertSerializer(many=True))
    def get_alerts(self, incident: Incident) -> Any:
        rows = incident.memberships.select_related("alert__rule").order_by("pk")[:_LISTED]
        return IncidentAlertSerializer(rows, many=True).data

    @extend_schema_field(IncidentIssueSerializer(many=True))
    def get_issues(self, incident: Incident) -> Any:
        return IncidentIssueSerializer(incident.issues.order_by("pk")[:_LISTED], many=True).data

    @extend_schema_field(IncidentStepSerializer(many=True))
    def get_steps(self, incident: Incident) -> Any:
        rows = incident.steps.select_related("settled_by").order_by("position", "pk")
        return IncidentStepSerializer(rows, many=True).data

    @extend_schema_field(FollowUpSerializer(many=True))
    def get_follow_ups(self, incident: Incident) -> Any:
        return FollowUpSerializer(incident.follow_ups.select_related("owner").order_by("pk"), many=True).data

    @extend_schema_field(IncidentEntrySerializer(many=True))
    def get_timeline(self, incident: Incident) -> Any:
        rows = incident.entries.select_related("actor").order_by("-at", "-pk")[:_LISTED]
        return IncidentEntrySerializer(rows, many=True).data
