"""Counts written with the events, so that no page has to count events.

Each model is a view over two kinds of tables (migrations/sql/0004_series.sql): the facts that batches have appended and what
`events.rollups.compact` has folded. A key may therefore have several rows: sum ``event_count``, never count rows. Sets of users and
coarser latencies have no model: reports read them by SQL (dashboards/reports/).
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
    release = models.CharField(max_length=200)
    labels = models.JSONField(default=dict)
    event_count = models.BigIntegerField()

    class Meta:
        abstract = True


class EventRollup(EventCounts):
    """By minute."""

    pk = models.CompositePrimaryKey("minute", "service_id", "name", "severity", "endpoint", "environment", "release")
    minute = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ("view",)


class HourRollup(EventCounts):
    """By hour, for windows of days."""

    pk = models.CompositePrimaryKey("hour", "service_id", "name", "severity", "endpoint", "environment", "release")
    hour = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ()


class DayRollup(EventCounts):
    """By day (UTC), for windows of months."""

    pk = models.CompositePrimaryKey("day", "service_id", "name", "severity", "endpoint", "environment", "release")
    day = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ()


class LatencyRollup(models.Model):
    """How many events of one endpoint and hour took about as long: one row per logarithmic bucket (`events.latency`).

    Histograms merge by summing ``event_count`` per bucket.
    """

    pk = models.CompositePrimaryKey("hour", "service_id", "name", "endpoint", "environment", "release", "bucket")
    service_id = models.IntegerField()
    name = models.CharField(max_length=200)
    endpoint = models.CharField(max_length=500)
    environment = models.CharField(max_length=64)
    release = models.CharField(max_length=200)
    labels = models.JSONField(default=dict)
    hour = models.DateTimeField()
    bucket = models.SmallIntegerField()
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


class Release(models.Model):
    """When a release was first and last heard of in one environment; kept by folding, so a few seconds old."""

    pk = models.CompositePrimaryKey("service_id", "release", "environment")
    service_id = models.IntegerField()
    release = models.CharField(max_length=200)
    environment = models.CharField(max_length=64)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        managed = False
        default_permissions = ()
