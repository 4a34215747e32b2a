"""Events: one row an occurrence, partitioned by tier and time (migrations/sql/0001_event_partitions.sql)."""

from django.db import models

from events.choices import KindChoices, SeverityChoices
from events.models.event_type import Tier
from events.models.issue import IssueFingerprint
from events.models.service import Service
from events.querysets import EventQuerySet


class Event(models.Model):
    """One occurrence. Written by `events.ingest.writer` alone and never changed afterwards.

    The table is made by SQL: partitioned by tier, then by week of ``occurred_at``, so that retention drops whole
    partitions. Its real primary key is (id, tier, occurred_at); ``id`` is a UUIDv7 of ``occurred_at``, so ids sort by
    time and a row is found by id in the partition of its own week.
    """

    id = models.UUIDField(primary_key=True)
    # No constraint in the database on either key: a check per row would cost more than the row, and events go
    # before the things that they point at (partitions are dropped; services are protected).
    service = models.ForeignKey(Service, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    fingerprint = models.ForeignKey(
        IssueFingerprint, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    event_id = models.UUIDField(help_text="The client's id, or ours when it sent none.")
    tier = models.CharField(max_length=9, choices=Tier.choices)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=KindChoices.choices)
    severity = models.CharField(max_length=8, choices=SeverityChoices.choices)
    message = models.TextField()
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    stored_at = models.DateTimeField()
    environment = models.CharField(max_length=64)
    release = models.CharField(max_length=200)
    endpoint = models.CharField(max_length=500)
    duration_ms = models.FloatField(null=True)
    user_hash = models.CharField(max_length=32)
    session_id = models.CharField(max_length=128)
    exception = models.JSONField()
    breadcrumbs = models.JSONField()
    tags = models.JSONField()
    data = models.JSONField()
    scrubbed = models.JSONField(help_text="Which fields were cleaned and why.")
    repaired = models.JSONField(help_text="Which fields were mended so that they could be read.")
    labels = models.JSONField(
        default=dict, help_text="What it is counted by, besides name, severity, endpoint and the like."
    )

    objects = EventQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "events_event"
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class EventReceipt(models.Model):
    """A client's event id that was stored: a repeat within a week is answered as a success and changes nothing."""

    pk = models.CompositePrimaryKey("service_id", "event_id")
    service = models.ForeignKey(
        Service, on_delete=models.CASCADE, db_constraint=False, related_name="+", db_index=False
    )
    event_id = models.UUIDField()
    received_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [models.Index("received_at", name="receipt_by_age")]  # the task that forgets old receipts
