"""Counts written with the events, so that no page has to count events.

Rows are appended per batch and summed by readers; `events.rollups.compact` folds them, so that concurrent writers never
wait for one another's counters.
"""

from django.db import models

from events.choices import SeverityChoices


class EventRollup(models.Model):
    """How many events of one name, severity, endpoint and environment a service sent in one minute (of occurred_at)."""

    id = models.BigAutoField(primary_key=True)
    service_id = models.IntegerField()
    name = models.CharField(max_length=200)
    severity = models.CharField(max_length=8, choices=SeverityChoices.choices)
    endpoint = models.CharField(max_length=500)
    environment = models.CharField(max_length=64)
    minute = models.DateTimeField()
    event_count = models.BigIntegerField()
    is_folded = models.BooleanField(db_default=False)

    class Meta:
        default_permissions = ("view",)
        indexes = [
            models.Index("minute", "service_id", name="eventrollup_window"),
            # What compaction has still to fold.
            models.Index("id", name="eventrollup_unfolded", condition=models.Q(is_folded=False)),
        ]


class IssueRollup(models.Model):
    """How many events one fingerprint had in one hour (of occurred_at); merged issues sum their fingerprints'."""

    id = models.BigAutoField(primary_key=True)
    fingerprint_id = models.BigIntegerField()
    hour = models.DateTimeField()
    event_count = models.BigIntegerField()
    is_folded = models.BooleanField(db_default=False)

    class Meta:
        default_permissions = ("view",)
        indexes = [
            models.Index("fingerprint_id", "hour", name="issuerollup_window"),
            models.Index("id", name="issuerollup_unfolded", condition=models.Q(is_folded=False)),
        ]
