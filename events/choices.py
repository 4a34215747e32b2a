"""The words of the ingest types as choices for columns and forms; the values are those of `events.ingest.types`."""

from django.db import models


class SeverityChoices(models.TextChoices):
    CRITICAL = "critical", "Critical"
    ERROR = "error", "Error"
    WARNING = "warning", "Warning"
    INFO = "info", "Info"
    DEBUG = "debug", "Debug"


class KindChoices(models.TextChoices):
    ERROR = "error", "Error"
    LOG = "log", "Log"
    METRIC = "metric", "Metric"
    TRACK = "track", "Track"
    TRANSACTION = "transaction", "Transaction"
    CHECK_IN = "check-in", "Check-in"
    FEEDBACK = "feedback", "Feedback"


# Worst first, to sort by: the words themselves would sort alphabetically.
SEVERITY_RANK = models.Case(
    *(models.When(severity=value, then=rank) for rank, value in enumerate(reversed(SeverityChoices.values))),
    output_field=models.SmallIntegerField(),
)
