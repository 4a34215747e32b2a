"""Counts written with the events, so that no page has to count events.

Each model is a view over two kinds of tables (migrations/sql/0003_rollups.sql): what batches have appended and what
`events.rollups.compact` has folded. A key may therefore have several rows: sum ``event_count``, never count rows.
"""

from django.db import models

from events.choices import SeverityChoices


class EventCounts(models.Model):
    """How many events of one name, severity, endpoint and environment a service sent in some span of occurred_at."""

    service_id = models.IntegerField()
    name = models.CharField(max_length=200)
    severity = models.CharField(max_length=8, choices=SeverityChoices.choices)
    endpoint = models.CharField(max_length=500)
    environment = models.CharField(max_length=64)
    event_count = models.BigIntegerField()

    class Meta:
        abstract = True


class EventRollup(EventCounts):
    """By minute."""

    pk = models.CompositePrimaryKey("minute", "service_id", "name", "severity", "endpoint", "environment")
    minute = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ("view",)


class HourRollup(EventCounts):
    """By hour, for windows of days."""

    pk = models.CompositePrimaryKey("hour", "service_id", "name", "severity", "endpoint", "environment")
    hour = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ()


class DayRollup(EventCounts):
    """By day (UTC), for windows of months."""

    pk = models.CompositePrimaryKey("day", "service_id", "name", "severity", "endpoint", "environment")
    day = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ()


class LatencyRollup(models.Model):
    """How many events of one endpoint and hour took about as long: one row per logarithmic bucket (`events.latency`).

    Histograms merge by summing ``event_count`` per bucket.
    """

    pk = models.CompositePrimaryKey("hour", "service_id", "endpoint", "environment", "bucket")
    service_id = models.IntegerField()
    endpoint = models.CharField(max_length=500)
    environment = models.CharField(max_length=64)
    hour = models.DateTimeField()
    bucket = models.SmallIntegerField()
    event_count = models.BigIntegerField()

    class Meta:
        managed = False
        default_permissions = ()


class UserActivity(models.Model):
    """How many events of one name and severity a user (hashed) brought about on one day (UTC)."""

    pk = models.CompositePrimaryKey("day", "service_id", "user_hash", "name", "severity", "environment")
    service_id = models.IntegerField()
    user_hash = models.CharField(max_length=32)
    name = models.CharField(max_length=200)
    severity = models.CharField(max_length=8, choices=SeverityChoices.choices)
    environment = models.CharField(max_length=64)
    day = models.DateTimeField()
    event_count = models.BigIntegerField()

    class Meta:
        managed = False
        default_permissions = ()


class IssueRollup(models.Model):
    """How many events one fingerprint had in one hour (of occurred_at); merged issues sum their fingerprints'."""

    pk = models.CompositePrimaryKey("fingerprint_id", "hour")
    fingerprint_id = models.BigIntegerField()
    hour = models.DateTimeField()
    event_count = models.BigIntegerField()

    class Meta:
        managed = False
        default_permissions = ("view",)
