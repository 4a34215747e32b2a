"""Incidents: what is wrong for users, who looks after it, and everything that was seen and done until it was over."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from alerts.models.alert import Alert
from alerts.models.rule import AlertRule
from alerts.models.status import Component
from events.models import Issue, Service


class IncidentState(models.TextChoices):
    TRIGGERED = "triggered", "Triggered"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    MITIGATED = "mitigated", "Mitigated"
    RESOLVED = "resolved", "Resolved"
    CLOSED = "closed", "Closed"


# While it is one of these, alerts may join it, its clocks run and the overview shows it.
ONGOING = (IncidentState.TRIGGERED, IncidentState.ACKNOWLEDGED, IncidentState.MITIGATED)


class IncidentSeverity(models.IntegerChoices):
    SEV1 = 1, "SEV1: users cannot use the product"
    SEV2 = 2, "SEV2: an important part fails for many"
    SEV3 = 3, "SEV3: a part fails for some"
    SEV4 = 4, "SEV4: hardly anybody notices"


class IncidentQuerySet(models.QuerySet["Incident"]):
    def ongoing(self) -> "IncidentQuerySet":
        return self.filter(state__in=ONGOING)

    def within(self, start: datetime, end: datetime) -> "IncidentQuerySet":
        """Those that hurt somebody at some time of the window."""
        return self.filter(started_at__lt=end).filter(Q(ended_at__gt=start) | Q(ended_at=None))


class Incident(models.Model):
    """States move by conditional updates of alerts.incidents.handling alone; each move is an entry of the timeline."""

    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=IncidentState.choices, default=IncidentState.TRIGGERED)
    severity = models.PositiveSmallIntegerField(choices=IncidentSeverity.choices, default=IncidentSeverity.SEV2)
    # Where: null and "" stand for several.
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="incidents")
    environment = models.CharField(max_length=64, blank=True)
    # The rule that opened it, else the person.
    rule = models.ForeignKey(AlertRule, null=True, editable=False, on_delete=models.SET_NULL, related_name="incidents")
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    commander = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="commanded_incidents",
        help_text="Who decides.",
    )  # fmt: skip
    communications_lead = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="Who tells users and the company.",
    )  # fmt: skip
    components = models.ManyToManyField(Component, through="ComponentImpact", related_name="incidents")
    # What its alerts have in common: "release=lift@2.4.1", "exception=PoolTimeout", "dependency=stripe" of their suspects.
    origins = ArrayField(models.CharField(max_length=200), default=list, blank=True, editable=False)
    # When users were hurt first and last; the end is null while they are.
    started_at = models.DateTimeField(help_text="When users were hurt first.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was over for users. Empty: not yet.")
    # When each state was reached first. MTTA is from opened_at to acknowledged_at, MTTR to resolved_at.
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, editable=False)
    mitigated_at = models.DateTimeField(null=True, editable=False)
    resolved_at = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)

    alerts = models.ManyToManyField(Alert, through="IncidentAlert", related_name="incidents")
    issues = models.ManyToManyField(Issue, through="IncidentIssue", related_name="incidents")

    objects = IncidentQuerySet.as_manager()

    class Meta:
        default_permissions = ("view", "change")
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=models.F("started_at")), name="incident_ends_after_start"
            ),
        ]
        indexes = [
            # Those that go on, and the list, the newest first.
            models.Index("opened_at", name="incident_ongoing", condition=Q(state__in=[one.value for one in ONGOING])),
            models.Index(models.F("opened_at").desc(), name="incident_newest"),
            # What hurt in a window: uptime and annotations.
            models.Index("started_at", "ended_at", name="incident_by_impact"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"

    @property
    def is_ongoing(self) -> bool:
        return self.state in ONGOING


class Bond(models.TextChoices):
    """Why an alert is part of an incident; alerts.incidents.belonging says when."""

    OPENER = "opener", "Opened it"
    CASCADE = "cascade", "Same cascade"
    ISSUE = "issue", "Same issue"
    ORIGIN = "origin", "Same likely origin"
    ENDPOINT = "endpoint", "Same endpoint"
    SERVICE = "service", "Same service, at the same time"
    HAND = "hand", "Added by hand"


class IncidentAlert(models.Model):
    """An alert belongs to one incident at most: it is told of there."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="memberships")
    alert = models.OneToOneField(Alert, on_delete=models.CASCADE, related_name="membership")
    joined_at = models.DateTimeField()
    bond = models.CharField(max_length=8, choices=Bond.choices, default=Bond.OPENER)
    # Why it joined, as a sentence; "" for the alert that opened it.
    why = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()


class IncidentIssue(models.Model):
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="issue_links")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="incident_links")
    joined_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint("incident", "issue", name="incident_issue_once")]


class IncidentEntryKind(models.TextChoices):
    OPENED = "opened", "Opened"
    STATE = "state", "State"
    ALERT = "alert", "Alert"
    ISSUE = "issue", "Issue"
    NOTIFICATION = "notification", "Somebody was told"
    RELEASE = "release", "Release"
    DIAGNOSTIC = "diagnostic", "Diagnostic"
    MITIGATION = "mitigation", "Mitigation"
    STATUS = "status", "Status page"
    STEP = "step", "Runbook"
    ROLE = "role", "Role"
    SEVERITY = "severity", "Severity"
    FOLLOW_UP = "follow_up", "Follow-up"
    REPORT = "report", "Report"
    NOTE = "note", "Note"


class IncidentEntry(models.Model):
    """One line of the timeline. Notes are people's and may be edited; the rest stands."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=12, choices=IncidentEntryKind.choices)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # Markdown of a note, one sentence otherwise.
    text = models.TextField(max_length=10_000)
    # The state that was reached; "" for other kinds.
    state = models.CharField(max_length=12, choices=IncidentState.choices, blank=True)
    alert = models.ForeignKey(Alert, null=True, on_delete=models.SET_NULL, related_name="+")
    # What makes an automatic entry one however often it is written ("release:lift@2.4.1"); "" for the others.
    once = models.CharField(max_length=200, blank=True)
    edited_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint("incident", "once", name="incident_entry_once", condition=~Q(once=""))]
        indexes = [models.Index("incident", "at", name="incident_entry_by_time")]


class IncidentEntryVersion(models.Model):
    """What a note said before it was edited."""

    entry = models.ForeignKey(IncidentEntry, on_delete=models.CASCADE, related_name="versions")
    text = models.TextField()
    replaced_at = models.DateTimeField()
    replaced_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        default_permissions = ()


class FollowUp(models.Model):
    """What is to be done after an incident so that it does not come back."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="follow_ups")
    text = models.CharField(max_length=500)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="follow_ups"
    )
    due_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        default_permissions = ("view", "change")
        indexes = [models.Index("due_on", name="follow_up_open", condition=Q(done_at=None))]

    def __str__(self) -> str:
        return self.text
