"""The catalogue of event names."""

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from events.choices import KindChoices, SeverityChoices


class Tier(models.TextChoices):
    """How soon a person must look: the guide's critical, medium and low priority."""

    IMMEDIATE = "immediate", "Immediate (alert now)"
    DAILY = "daily", "Daily review"
    WEEKLY = "weekly", "Weekly review"


_MOST_LABELS = 6
_LABEL = re.compile(r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}(:prefix|:class|:first)?$")


def check_labels(value: Any) -> None:
    """Raises ValidationError unless it is a short list of fields (events.ingest.labels)."""
    if not isinstance(value, list) or not all(isinstance(field, str) and _LABEL.match(field) for field in value):
        raise ValidationError('Give a list of field names, such as ["reason", "status:class", "key:prefix"].')
    if len(value) > _MOST_LABELS:
        raise ValidationError(f"At most {_MOST_LABELS} fields: each multiplies the counters.")


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
    labels = models.JSONField(
        default=list,
        # The writer registers names by SQL, also one of the release before this field.
        db_default=models.Value([], models.JSONField()),
        blank=True,
        validators=[check_labels],
        help_text="Fields of data that reports count these events by, besides feature and ai_provider, such as "
        '["reason", "status:class", "key:prefix"]. Holds for events that come from now on.',
    )
    is_from_guide = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name
