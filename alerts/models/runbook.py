"""Runbooks: ordered steps with a time within which each should be done, and how far an incident is with them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from alerts.models.incident import Incident
from alerts.models.rule import AlertRule


class StepKind(models.TextChoices):
    CHECK = "check", "Check"
    MITIGATE = "mitigate", "Mitigate"
    INVESTIGATE = "investigate", "Investigate"
    NOTIFY = "notify", "Notify"


class Runbook(models.Model):
    """What to do about failures of some kind. An incident takes the steps over when it opens; later changes leave it alone."""

    name = models.CharField(max_length=120, unique=True)
    # Names those that a fresh installation starts with.
    key = models.CharField(max_length=60, blank=True, editable=False)
    summary = models.CharField(max_length=300, blank=True, help_text="When it is the right one.")
    rules = models.ManyToManyField(
        AlertRule, blank=True, related_name="runbooks", help_text="Incidents of their alerts follow it."
    )
    event_names = ArrayField(
        models.CharField(max_length=200), default=list, blank=True,
        help_text="Names of events; incidents about these follow it, before those of rules. Separate with commas.",
    )  # fmt: skip
    is_fallback = models.BooleanField(
        "for everything else", default=False, help_text="Incidents that no other runbook is about follow it."
    )
    is_enabled = models.BooleanField("enabled", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("key", condition=~Q(key=""), name="runbook_key_unique"),
            models.UniqueConstraint("is_fallback", condition=Q(is_fallback=True), name="runbook_one_fallback"),
        ]

    def __str__(self) -> str:
        return self.name


class _Step(models.Model):
    """What a step of a runbook and its copy in an incident share."""

    position = models.PositiveIntegerField(default=0, help_text="Lower ones come first.")
    kind = models.CharField(max_length=11, choices=StepKind.choices, default=StepKind.CHECK)
    title = models.CharField(max_length=150)
    text = models.TextField(blank=True, max_length=10_000, help_text="What to do, in Markdown.")
    target_minutes = models.PositiveIntegerField(
        "within", help_text="Minutes after the incident opened by which it should be done."
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.title


class RunbookStep(_Step):
    runbook = models.ForeignKey(Runbook, on_delete=models.CASCADE, related_name="steps")

    class Meta:
        verbose_name = "step"


class IncidentStepState(models.TextChoices):
    OPEN = "open", "To do"
    DONE = "done", "Done"
    SKIPPED = "skipped", "Not needed"


class IncidentStep(_Step):
    """A step as an incident found it, with its clock."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="steps")
    runbook = models.ForeignKey(Runbook, null=True, on_delete=models.SET_NULL, related_name="+")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=IncidentStepState.choices, default=IncidentStepState.OPEN)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # What came of it, or why it was not needed.
    outcome = models.CharField(max_length=500, blank=True)
    # When people were told that it is late.
    late_told_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            # Which are late and nobody was told.
            models.Index("due_at", name="step_late", condition=Q(state="open", late_told_at=None)),
        ]
