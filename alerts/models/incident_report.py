"""The report of an incident: drafted when it is resolved, edited, reviewed and published by people."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from alerts.models.incident import Incident


class ReportState(models.TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    PUBLISHED = "published", "Published"


class IncidentReport(models.Model):
    """Its sections are Markdown."""

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, related_name="report")
    state = models.CharField(max_length=9, choices=ReportState.choices, default=ReportState.DRAFT)
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True, max_length=20_000)
    impact = models.TextField(blank=True, max_length=20_000, help_text="Users, requests, how long, which features.")
    timeline = models.TextField(blank=True, max_length=50_000)
    detection = models.TextField(blank=True, max_length=20_000, help_text="How it was noticed, and how fast.")
    # What the draft suspects, with its evidence, for a person to confirm; the cause itself is written by a person.
    suspects = models.JSONField(default=list, editable=False)
    root_cause = models.TextField(blank=True, max_length=20_000)
    went_well = models.TextField(blank=True, max_length=20_000)
    went_badly = models.TextField(blank=True, max_length=20_000)
    no_follow_ups_reason = models.CharField(
        "why there are no follow-ups", max_length=500, blank=True, help_text="Only when there are none."
    )
    # Of the moment of the draft, brought up to date when it is published: {"mtta_seconds": …, "users": …}.
    metrics = models.JSONField(default=dict, editable=False)
    drafted_at = models.DateTimeField()
    # Counts the edits: who saves over somebody else's is told.
    version = models.PositiveIntegerField(default=1, editable=False)
    edited_at = models.DateTimeField(null=True, editable=False)
    edited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    reviewed_at = models.DateTimeField(null=True, editable=False)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    published_at = models.DateTimeField(null=True, editable=False)
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(condition=~Q(state="published", root_cause=""), name="published_has_cause"),
        ]

    def __str__(self) -> str:
        return self.title
