"""What the public status page shows: the parts of the product, what users are told of them, and who subscribed."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from alerts.models.silence import MaintenanceWindow
from events.models import Service


class ComponentGroup(models.Model):
    name = models.CharField(max_length=100, unique=True)
    position = models.PositiveIntegerField(default=100, help_text="Lower ones are shown first.")

    def __str__(self) -> str:
        return self.name


class Component(models.Model):
    """A part of the product as users know it: “Sign-in”, “Payments”."""

    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=300, blank=True, help_text="What users do with it, in their words.")
    group = models.ForeignKey(
        ComponentGroup, null=True, blank=True, on_delete=models.SET_NULL, related_name="components"
    )
    position = models.PositiveIntegerField(default=100, help_text="Lower ones are shown first.")
    is_public = models.BooleanField("on the status page", default=True)
    # What it is made of: an incident about these affects it.
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="components",
        help_text="Incidents of this service affect it. Empty: choose it by hand.",
    )  # fmt: skip
    endpoints = ArrayField(
        models.CharField(max_length=300), default=list, blank=True,
        help_text="Only those about these endpoints; * stands for anything. Empty: all of the service. Separate with commas.",
    )  # fmt: skip
    created_at = models.DateTimeField(default=timezone.now, editable=False, help_text="Uptime is counted from here.")

    def __str__(self) -> str:
        return self.name


class ImpactLevel(models.IntegerChoices):
    """How badly a component is affected; higher is worse."""

    MAINTENANCE = 1, "Under maintenance"
    DEGRADED = 2, "Degraded"
    PARTIAL = 3, "Partial outage"
    MAJOR = 4, "Major outage"


class ComponentImpact(models.Model):
    """From when until when an incident affects a component, and how badly. A change of the level ends a row and begins the next."""

    incident = models.ForeignKey("alerts.Incident", on_delete=models.CASCADE, related_name="impacts")
    component = models.ForeignKey(Component, on_delete=models.CASCADE, related_name="impacts")
    level = models.PositiveSmallIntegerField(choices=ImpactLevel.choices, default=ImpactLevel.DEGRADED)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint("incident", "component", condition=Q(ended_at=None), name="impact_open_once"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=models.F("started_at")), name="impact_ends_after_start"
            ),
        ]
        indexes = [models.Index("component", "started_at", name="impact_by_component")]


class UpdateState(models.TextChoices):
    """What users are told about the course of it."""

    INVESTIGATING = "investigating", "Investigating"
    IDENTIFIED = "identified", "Identified"
    MONITORING = "monitoring", "Monitoring"
    RESOLVED = "resolved", "Resolved"
    PLANNED = "planned", "Maintenance planned"
    UNDER_WAY = "under_way", "Maintenance under way"
    COMPLETED = "completed", "Maintenance completed"


class StatusUpdate(models.Model):
    """What was posted to users about an incident or a maintenance."""

    incident = models.ForeignKey(
        "alerts.Incident", null=True, blank=True, on_delete=models.CASCADE, related_name="status_updates"
    )
    maintenance = models.ForeignKey(
        MaintenanceWindow, null=True, blank=True, on_delete=models.CASCADE, related_name="status_updates"
    )
    state = models.CharField(max_length=13, choices=UpdateState.choices)
    # What users read instead of the incident's title, which is written for the team.
    title = models.CharField(max_length=200)
    text = models.TextField(max_length=5000, help_text="For users, in Markdown: no names, no internals.")
    posted_at = models.DateTimeField(default=timezone.now)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    edited_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ("view", "add", "change")
        constraints = [
            models.CheckConstraint(
                condition=Q(incident=None, maintenance__isnull=False) | Q(incident__isnull=False, maintenance=None),
                name="update_about_one",
            ),
        ]
        indexes = [models.Index(models.F("posted_at").desc(), name="update_newest")]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.title}"


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    def confirmed(self) -> "SubscriberQuerySet":
        return self.exclude(confirmed_at=None).filter(unsubscribed_at=None)


class Subscriber(models.Model):
    """An address that asked to be told of status updates. Nothing but the question whether it did is sent before it confirms."""

    email = models.EmailField(max_length=254)
    # Counts up to make older signed links worthless.
    link_number = models.PositiveIntegerField(default=1, editable=False)
    components = models.ManyToManyField(
        Component, blank=True, related_name="subscribers", help_text="Empty: all of them."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    asked_at = models.DateTimeField(null=True, editable=False, help_text="When the question to confirm was sent last.")
    confirmed_at = models.DateTimeField(null=True, editable=False)
    unsubscribed_at = models.DateTimeField(null=True, editable=False)

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        default_permissions = ("view", "delete")
        constraints = [
            models.UniqueConstraint(models.functions.Lower("email"), name="subscriber_email_unique"),
        ]

    def __str__(self) -> str:
        return self.email

    def is_confirmed(self, *, at: datetime) -> bool:
        return self.confirmed_at is not None and self.confirmed_at <= at and self.unsubscribed_at is None
