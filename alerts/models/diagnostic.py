"""What can be looked at from an incident: databases and addresses that Liftmon may ask, and what they answered."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from alerts.models.incident import Incident
from events.models import Service


class MonitoredDatabase(models.Model):
    """A PostgreSQL of the product, asked as a role that may read statistics. Its address is kept sealed (alerts.sealing)."""

    name = models.CharField(max_length=100, unique=True)
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="databases",
        help_text="Offered first in incidents of this service. Empty: in all.",
    )  # fmt: skip
    sealed_dsn = models.TextField(editable=False)
    pool_limit = models.PositiveIntegerField(
        "connections at most", default=20, help_text="More are a sign that the pool is exhausted (the guide: 20)."
    )
    slow_seconds = models.PositiveIntegerField(
        "slow from", default=10, help_text="Seconds from which a query counts as slow (the guide: 10)."
    )
    timeout_ms = models.PositiveIntegerField(
        "time limit", default=5000, validators=[MinValueValidator(100), MaxValueValidator(30_000)],
        help_text="Milliseconds that one statement of Liftmon may take.",
    )  # fmt: skip
    allows_mitigation = models.BooleanField(
        "may be acted on", default=False,
        help_text="People with the right to mitigate may cancel queries and end connections here. The role must be allowed to.",
    )  # fmt: skip
    is_enabled = models.BooleanField("enabled", default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    tested_at = models.DateTimeField(null=True, editable=False)
    test_answer = models.CharField(max_length=300, blank=True, editable=False)

    def __str__(self) -> str:
        return self.name


class HttpCheck(models.Model):
    """An address that is asked from an incident: does it answer, with what, how fast."""

    name = models.CharField(max_length=100, unique=True)
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="http_checks",
        help_text="Offered first in incidents of this service. Empty: in all.",
    )  # fmt: skip
    url = models.URLField("address", max_length=500)
    expected_status = models.PositiveSmallIntegerField(
        "expected status", default=200, validators=[MinValueValidator(100), MaxValueValidator(599)]
    )
    slow_ms = models.PositiveIntegerField("slow from", default=1000, help_text="Milliseconds (the guide: 1,000).")
    is_enabled = models.BooleanField("enabled", default=True)

    def __str__(self) -> str:
        return self.name


class Finding(models.TextChoices):
    FINE = "fine", "Fine"
    PROBLEM = "problem", "Problem"
    FAILED = "failed", "No answer"


class DiagnosticRun(models.Model):
    """One question and its answer, as it was and in words."""

    incident = models.ForeignKey(Incident, null=True, on_delete=models.CASCADE, related_name="diagnostics")
    database = models.ForeignKey(MonitoredDatabase, null=True, on_delete=models.SET_NULL, related_name="runs")
    http_check = models.ForeignKey(HttpCheck, null=True, on_delete=models.SET_NULL, related_name="runs")
    # Which of alerts.incidents.diagnostics it is, and what was asked, in words.
    question = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    took_ms = models.PositiveIntegerField()
    finding = models.CharField(max_length=7, choices=Finding.choices)
    # {"columns": [...], "rows": [[...]], "is_cut": bool}, or {"status": 200, ...}; scrubbed like an event.
    answer = models.JSONField(default=dict)
    interpretation = models.CharField(max_length=1000)

    class Meta:
        default_permissions = ("view", "add")
        indexes = [models.Index("incident", "at", name="diagnostic_by_incident")]


class MitigationKind(models.TextChoices):
    CANCEL = "cancel", "Cancel the query"
    TERMINATE = "terminate", "End the connection"


class Mitigation(models.Model):
    """What somebody did to a database from an incident: kept before it is done, with what came of it afterwards."""

    incident = models.ForeignKey(Incident, null=True, on_delete=models.SET_NULL, related_name="mitigations")
    database = models.ForeignKey(MonitoredDatabase, null=True, on_delete=models.SET_NULL, related_name="mitigations")
    kind = models.CharField(max_length=9, choices=MitigationKind.choices)
    # Whom it met: pid, when that backend began (a pid may be somebody else's by now), user, application, the query.
    pid = models.PositiveIntegerField()
    backend_started_at = models.DateTimeField()
    target = models.JSONField(default=dict)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    is_done = models.BooleanField(null=True)
    outcome = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ("view", "add")
