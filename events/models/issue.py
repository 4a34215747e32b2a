"""Issues: failures with one cause, the fingerprints that lead to them and the users they hurt."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from events.choices import SeverityChoices
from events.models.event_type import Tier
from events.models.service import Service
from events.querysets import IssueQuerySet

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class IssueStatus(models.TextChoices):
    UNRESOLVED = "unresolved", "Unresolved"
    RESOLVED = "resolved", "Resolved"
    MUTED = "muted", "Muted"


class Issue(models.Model):
    """Failures with one cause. Counts are written with the events, in the same transaction, and are exact."""

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="issues")
    title = models.CharField(max_length=250)
    culprit = models.CharField(max_length=250, blank=True)
    # Of the newest event: what the list shows and filters by.
    name = models.CharField(max_length=200)
    tier = models.CharField(max_length=9, choices=Tier.choices)
    severity = models.CharField(max_length=8, choices=SeverityChoices.choices, help_text="The worst seen.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    event_count = models.BigIntegerField(default=0)
    user_count = models.BigIntegerField(default=0)
    status = models.CharField(max_length=10, choices=IssueStatus.choices, default=IssueStatus.UNRESOLVED)
    is_regressed = models.BooleanField(default=False, help_text="Came back after it was resolved.")
    resolved_at = models.DateTimeField(null=True, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="assigned_issues"
    )
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, editable=False, on_delete=models.PROTECT, related_name="merged_issues"
    )

    objects = IssueQuerySet.as_manager()

    class Meta:
        permissions = [("triage_issue", "Can resolve, mute, assign and merge issues")]
        indexes = [
            # The list: what is open, newest first.
            models.Index(
                "status", models.F("last_seen_at").desc(), "id", name="issue_open", condition=Q(merged_into=None)
            ),
            models.Index("service", models.F("last_seen_at").desc(), name="issue_by_service"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(event_count__gte=0, user_count__gte=0), name="issue_counts_not_negative"
            ),
            models.CheckConstraint(condition=~Q(merged_into=models.F("id")), name="issue_not_merged_into_itself"),
        ]

    def __str__(self) -> str:
        return self.title

    def standing(self) -> "Issue":
        """The issue that stands for this one: itself, or the one that it was merged into, however far up."""
        issue = self
        while issue.merged_into is not None:
            issue = issue.merged_into
        return issue

    def resolve(self, *, by: "User | None", at: datetime) -> bool:
        """Say that the cause is gone; the next event opens it again as regressed. False when it was so already."""
        return self._change(
            Q(status__in=(IssueStatus.UNRESOLVED, IssueStatus.MUTED)),
            TransitionKind.RESOLVED,
            by=by,
            at=at,
            status=IssueStatus.RESOLVED,
            resolved_at=at,
            is_regressed=False,
        )

    def mute(self, *, by: "User | None", at: datetime) -> bool:
        """Keep counting, stop asking for attention."""
        return self._change(
            ~Q(status=IssueStatus.MUTED), TransitionKind.MUTED, by=by, at=at, status=IssueStatus.MUTED, resolved_at=None
        )

    def reopen(self, *, by: "User | None", at: datetime) -> bool:
        """Back to unresolved by a person's word."""
        return self._change(
            ~Q(status=IssueStatus.UNRESOLVED),
            TransitionKind.REOPENED,
            by=by,
            at=at,
            status=IssueStatus.UNRESOLVED,
            resolved_at=None,
        )

    def assign(self, assignee: "User | None", *, by: "User | None", at: datetime) -> bool:
        """Say who looks after it, or nobody."""
        others = Q(assignee__isnull=False) if assignee is None else ~Q(assignee=assignee) | Q(assignee__isnull=True)
        return self._change(others, TransitionKind.ASSIGNED, by=by, at=at, assignee=assignee)

    def _change(self, before: Q, kind: "TransitionKind", *, by: "User | None", at: datetime, **values: object) -> bool:
        """One conditional UPDATE, so that two people at once make one transition, and the row that tells of it."""
        if not Issue.objects.filter(before, pk=self.pk).update(**values):
            return False
        detail = str(values["assignee"] or "nobody") if "assignee" in values else ""
        IssueTransition.objects.create(issue=self, kind=kind, at=at, actor=by, detail=detail)
        self.refresh_from_db()
        return True


class IssueFingerprint(models.Model):
    """An identity of a cause and the issue it leads to. Merging moves it; its home stays, so that un-merging can."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="+", db_index=False)
    hash = models.CharField(max_length=32)
    version = models.SmallIntegerField(help_text="The version of the grouping algorithm.")
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="fingerprints")
    home_issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="home_fingerprints")
    parts = models.JSONField(help_text="What it was made of: grouped because….")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    event_count = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["service", "hash"], name="fingerprint_unique")]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.hash


class FingerprintUser(models.Model):
    """A user (hashed) whom a fingerprint hurt; counting these gives an issue's exact users."""

    pk = models.CompositePrimaryKey("fingerprint_id", "user_hash")
    fingerprint = models.ForeignKey(IssueFingerprint, on_delete=models.CASCADE, related_name="users", db_index=False)
    user_hash = models.CharField(max_length=32)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    event_count = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index("user_hash", name="fingerprintuser_by_user")]


class TransitionKind(models.TextChoices):
    NEW = "new", "First seen"
    REGRESSED = "regressed", "Came back"
    RESOLVED = "resolved", "Resolved"
    REOPENED = "reopened", "Reopened"
    MUTED = "muted", "Muted"
    ASSIGNED = "assigned", "Assigned"
    MERGED = "merged", "Merged"
    UNMERGED = "unmerged", "Un-merged"


class IssueTransition(models.Model):
    """News about an issue, as a row: its history for people, and what the alerts app claims by ``processed_at``."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="transitions")
    kind = models.CharField(max_length=10, choices=TransitionKind.choices)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Empty: Liftmon itself.",
    )
    detail = models.CharField(max_length=250, blank=True)
    event_id = models.UUIDField(null=True, help_text="The event that brought it (events_event.id).")
    processed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        indexes = [
            # What nobody has claimed yet, oldest first.
            models.Index("id", name="transition_unclaimed", condition=Q(processed_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.issue_id}"
