"""What mutes alerts for a while: silences of some of them, and windows of maintenance. Both mute telling, not judging."""

from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone

from alerts.matching import is_like
from events.models import Service


class _Spans(models.QuerySet["Silence"]):
    def running(self, *, at: datetime) -> "_Spans":
        return self.filter(starts_at__lte=at, ends_at__gt=at)


class Silence(models.Model):
    """Alerts whose labels match are not told of until it ends."""

    # Every one must hold: {"rule": "12", "endpoint": "/api/pay*"}; * stands for anything.
    matchers = models.JSONField(default=dict, help_text='Labels and their values, such as {"endpoint": "/api/pay*"}.')
    reason = models.CharField(max_length=300)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()

    objects = _Spans.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=models.F("starts_at")), name="silence_lasts")]

    def __str__(self) -> str:
        return f"{self.in_words()} ({self.reason})"

    def clean(self) -> None:
        if not isinstance(self.matchers, dict) or not self.matchers:
            raise ValidationError({"matchers": "Say which alerts: at least one label and its value."})
        if not all(isinstance(value, str) for value in self.matchers.values()):
            raise ValidationError({"matchers": "Values are texts."})

    def mutes(self, labels: dict[str, str]) -> bool:
        """``labels``: of an alert, with its rule, service and severity among them."""
        return all(is_like(labels.get(name, ""), value) for name, value in self.matchers.items())

    def in_words(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in sorted(self.matchers.items()))


class MaintenanceWindow(models.Model):
    """Nobody is told of alerts of a service, or of any, while people work on it."""

    name = models.CharField(max_length=100)
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: everything."
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    is_announced = models.BooleanField("on the status page", default=False)
    announcement = models.TextField(
        blank=True, max_length=5000, help_text="What users are told of it, in Markdown. Needed on the status page."
    )
    components = models.ManyToManyField(
        "alerts.Component", blank=True, related_name="maintenance_windows", help_text="What users cannot use meanwhile."
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=models.F("starts_at")), name="maintenance_lasts")]

    def __str__(self) -> str:
        return self.name
