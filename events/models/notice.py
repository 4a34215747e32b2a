"""That failures arrived, as rows that the alerts app claims."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from events.choices import SeverityChoices


class EventNotice(models.Model):
    """The failures of one batch that share their words. Whoever judges it deletes it in the same transaction."""

    service_id = models.IntegerField()
    name = models.CharField(max_length=200)
    severity = models.CharField(max_length=8, choices=SeverityChoices.choices)
    endpoint = models.CharField(max_length=500)
    environment = models.CharField(max_length=64)
    release = models.CharField(max_length=200)
    labels = models.JSONField(default=dict)
    event_count = models.IntegerField()
    # All of them, the newest last; what an event's tags are looked up by.
    event_ids = ArrayField(models.UUIDField())
    message = models.CharField(max_length=300)
    occurred_at = models.DateTimeField(help_text="Of the newest.")

    class Meta:
        default_permissions = ()
