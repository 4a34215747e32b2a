"""The catalogue of event names."""

from django.db import models
from django.utils import timezone

from events.choices import KindChoices, SeverityChoices


class Tier(models.TextChoices):
    """How soon a person must look: the guide's critical, medium and low priority."""

    IMMEDIATE = "immediate", "Immediate (alert now)"
    DAILY = "daily", "Daily review"
    WEEKLY = "weekly", "Weekly review"


class EventType(models.Model):
    """What one event name means. Preloaded from the guide; unknown names register themselves as daily."""

    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True, help_text="What happened when this event is sent.")
    kind = models.CharField(max_length=12, choices=KindChoices.choices, default=KindChoices.LOG)
    default_severity = models.CharField(
        max_length=8,
        choices=SeverityChoices.choices,
        blank=True,
        help_text="Used when an event does not say. Empty: error when it carries an exception or an error text, else info.",
    )
    tier = models.CharField(
        max_length=9,
        choices=Tier.choices,
        default=Tier.DAILY,
        help_text="Decides who hears of it and how long its events are kept.",
    )
    question = models.TextField(blank=True, help_text="The question that its review must answer.")
    is_from_guide = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name
