"""Where people are told: channels, and which alerts go to which."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from events.choices import SeverityChoices
from events.models import Service


class ChannelKind(models.TextChoices):
    EMAIL = "email", "E-mail"
    SLACK = "slack", "Slack"
    PAGERDUTY = "pagerduty", "PagerDuty"
    WEBHOOK = "webhook", "Webhook (Standard Webhooks)"
    ALERTMANAGER = "alertmanager", "Webhook (Alertmanager)"
    APPRISE = "apprise", "Apprise (Teams, Discord, Telegram, SMS …)"


class Channel(models.Model):
    """A place that messages are sent to. Its settings hold secrets and are kept sealed (alerts.sealing)."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=12, choices=ChannelKind.choices)
    sealed_settings = models.TextField(editable=False)
    is_enabled = models.BooleanField("enabled", default=True)
    # Why Liftmon switched it off itself: the other side said that it is gone for good.
    disabled_reason = models.CharField(max_length=300, blank=True, editable=False)
    tested_at = models.DateTimeField(null=True, editable=False)
    test_answer = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # Until when the process that sends to it may be at it; then another may: messages of one channel go out one after the other.
    busy_until = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return self.name


class Route(models.Model):
    """Alerts of some severities, services and labels go to some channels. Routes are tried in order; the first that takes an alert
    is the last that is asked, unless it says to go on."""

    position = models.PositiveIntegerField(default=100, help_text="Lower ones are tried first.")
    name = models.CharField(max_length=100)
    is_enabled = models.BooleanField("enabled", default=True)
    severities = ArrayField(
        models.CharField(max_length=8, choices=SeverityChoices.choices), default=list, blank=True,
        help_text="Empty: all of them. Separate with commas.",
    )  # fmt: skip
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    # Every one must hold: {"endpoint": "/api/pay*"}; * stands for anything.
    labels = models.JSONField(default=dict, blank=True)
    channels = models.ManyToManyField(Channel, related_name="routes", blank=True)
    # On routes and not on rules: who looks after something is decided by service and labels, and a rule's alerts are of many.
    # A route that lost its policy would tell fewer people than it says, so a policy that is named stays.
    policy = models.ForeignKey(
        "alerts.EscalationPolicy", null=True, blank=True, on_delete=models.PROTECT, related_name="routes",
        help_text="Who is told next while nobody acknowledges. Empty: the channels alone.",
    )  # fmt: skip
    goes_on = models.BooleanField(default=False, help_text="Also try the routes behind it.")

    def __str__(self) -> str:
        return self.name
