"""Rules: which condition of what happened becomes an alert."""

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from alerts.conditions import Condition, condition_of
from alerts.judging.machine import Patience
from alerts.matching import Match
from events.choices import SeverityChoices
from events.models import Service

# By what alerts of one rule may be kept apart.
GROUPINGS = ("service", "environment", "name", "severity", "endpoint", "release", "feature", "ai_provider")


class ConditionType(models.TextChoices):
    EVENT = "event", "An event matches"
    NEW_ISSUE = "new_issue", "An issue is first seen"
    REGRESSION = "regression", "An issue comes back"
    THRESHOLD = "threshold", "A count, users hurt or a share of failures"
    LATENCY = "latency", "Response times"
    SPIKE = "spike", "More than at the same hours of earlier days"
    ESCALATING = "escalating", "An issue comes more often than ever"
    ABSENCE = "absence", "Nothing was heard"
    BURN_RATE = "burn_rate", "An error budget burns too fast"
    CASCADE = "cascade", "Several endpoints fail together"


# Judged by the write that brought the event; the others every few seconds, from rollups.
IMMEDIATE = (ConditionType.EVENT, ConditionType.NEW_ISSUE, ConditionType.REGRESSION)


class AlertRuleQuerySet(models.QuerySet["AlertRule"]):
    def immediate(self) -> "AlertRuleQuerySet":
        return self.filter(is_enabled=True, condition__in=IMMEDIATE)

    def windowed(self) -> "AlertRuleQuerySet":
        return self.filter(is_enabled=True).exclude(condition__in=IMMEDIATE)


class AlertRule(models.Model):
    """A condition, which events it is about, and how its alerts behave. One alert for each group of `group_by`."""

    name = models.CharField(max_length=120)
    # Names the rules that a fresh installation starts with, so that they are made once and can be recognised.
    key = models.CharField(max_length=60, blank=True, editable=False)
    is_enabled = models.BooleanField("enabled", default=True)
    condition = models.CharField(max_length=12, choices=ConditionType.choices)
    # What the condition needs, as `alerts.conditions` reads it: {"count": 5, "window_seconds": 300}.
    parameters = models.JSONField(default=dict, blank=True)
    severity = models.CharField(
        max_length=8,
        choices=[choice for choice in SeverityChoices.choices if choice[0] != "debug"],
        help_text="Of its alerts: who is told, and how loudly.",
    )

    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.CASCADE, related_name="+", help_text="Empty: all services."
    )
    environments = ArrayField(
        models.CharField(max_length=64), default=list, blank=True, help_text="Empty: all of them. Separate with commas."
    )
    names = ArrayField(
        models.CharField(max_length=200), default=list, blank=True,
        help_text="Names of events; * stands for anything. Empty: all of them. Separate with commas.",
    )  # fmt: skip
    severities = ArrayField(
        models.CharField(max_length=8, choices=SeverityChoices.choices), default=list, blank=True,
        help_text="Severities of events. Empty: all of them. Separate with commas.",
    )  # fmt: skip
    endpoints = ArrayField(
        models.CharField(max_length=300), default=list, blank=True,
        help_text="Endpoints; * stands for anything. Empty: all of them. Separate with commas.",
    )  # fmt: skip
    tag = models.CharField(max_length=200, blank=True, help_text="name:value; an event must have it. Empty: any event.")
    group_by = ArrayField(
        models.CharField(max_length=12, choices=[(one, one) for one in GROUPINGS]), default=list, blank=True,
        help_text="One alert for each combination of these. Empty: one alert for the rule. Separate with commas.",
    )  # fmt: skip

    for_seconds = models.PositiveIntegerField(
        "for", default=0, help_text="Seconds that the condition must hold before the alert fires."
    )
    recover_seconds = models.PositiveIntegerField(
        "recovers after", default=300, help_text="Seconds without the condition after which the alert is resolved."
    )
    group_wait_seconds = models.PositiveIntegerField(
        "group wait", default=0, help_text="Seconds to wait for more alerts before people are told of the first."
    )
    repeat_seconds = models.PositiveIntegerField(
        "repeat", default=4 * 3600, help_text="Seconds after which people are told again while it fires. 0: never."
    )
    inhibits_lower = models.BooleanField(
        "mutes lower severities", default=False,
        help_text="While one of its alerts fires and was told, those of lower severity with the same labels are not told.",
    )  # fmt: skip
    opens_incident = models.BooleanField(
        "opens an incident", default=False,
        help_text="An alert that fires opens an incident, or joins the one that it belongs to.",
    )  # fmt: skip
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        help_text="Who answers for the rule.",
    )  # fmt: skip
    runbook = models.TextField(blank=True, help_text="What to do when it fires, or the address of a page that says so.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AlertRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("key", condition=~Q(key=""), name="rule_key_unique"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def match(self) -> Match:
        return Match(
            service_id=self.service_id,
            environments=tuple(self.environments),
            names=tuple(self.names),
            severities=tuple(self.severities),
            endpoints=tuple(self.endpoints),
            tag=self.tag,
        )

    def parsed(self) -> Condition:
        """Raises alerts.conditions.ConditionError for parameters that say nothing."""
        return condition_of(self.condition, self.parameters)

    @property
    def patience(self) -> Patience:
        return Patience(timedelta(seconds=self.for_seconds), timedelta(seconds=self.recover_seconds))
