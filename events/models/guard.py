"""What keeps one bad client from blowing up counters and lists, and the record that it had to."""

from django.db import models
from django.db.models import Value
from django.db.models.functions import MD5, Concat

from events.models.service import Service


class Dimension(models.TextChoices):
    """What may only have so many different values per service."""

    NAME = "name", "Event names"
    ENDPOINT = "endpoint", "Endpoints"
    ENVIRONMENT = "environment", "Environments"
    RELEASE = "release", "Releases"
    LABEL = "label", "Label values"
    TAG_KEY = "tag_key", "Tag keys"
    TAG = "tag", "Tag values"


class KnownValue(models.Model):
    """A value that a service may use in counters: the first so many of each dimension; what comes later is `other`."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    dimension = models.CharField(max_length=11, choices=Dimension.choices)
    # Of a tag or a label: its key. Empty for everything else.
    key = models.CharField(max_length=200, blank=True)
    value = models.CharField(max_length=500)
    last_seen_on = models.DateField()

    class Meta:
        default_permissions = ()
        constraints = [
            # Of the digest: the longest values would not fit into an index entry.
            models.UniqueConstraint(
                "service", "dimension", MD5(Concat("key", Value("="), "value")), name="knownvalue_unique"
            )
        ]


class NewIssueCount(models.Model):
    """How many issues a service brought about in one hour; past the cap they are folded into its burst issue."""

    pk = models.CompositePrimaryKey("service_id", "hour")
    service = models.ForeignKey(
        Service, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    hour = models.DateTimeField()
    issue_count = models.IntegerField()

    class Meta:
        default_permissions = ()


class Guard(models.TextChoices):
    """Which guard folded something."""

    NAMES = "name", "Too many event names"
    ENDPOINTS = "endpoint", "Too many endpoints"
    ENVIRONMENTS = "environment", "Too many environments"
    RELEASES = "release", "Too many releases"
    LABELS = "label", "Too many values of a label"
    TAG_KEYS = "tag_key", "Too many tag keys"
    TAGS = "tag", "Too many values of a tag"
    NEW_ISSUES = "new_issues", "Too many new issues in an hour"


class GuardHit(models.Model):
    """How many events of a service one guard changed on one day, with the latest value that it folded."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="guard_hits")
    guard = models.CharField(max_length=11, choices=Guard.choices)
    day = models.DateField()
    event_count = models.BigIntegerField()
    sample = models.CharField(max_length=250, blank=True, help_text="The latest value that was folded, scrubbed.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name = "limit reached"
        verbose_name_plural = "limits reached"
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["service", "guard", "day"], name="guardhit_unique")]
        indexes = [models.Index(models.F("last_at").desc(), name="guardhit_latest")]

    def __str__(self) -> str:
        return f"{self.get_guard_display()} × {self.event_count}"
