"""What was refused at the door, and why."""

from django.db import models

from events.models.service import Service


class IngestRejection(models.Model):
    """How often a service sent something unreadable on one day, by reason, with the latest scrubbed sample."""

    service = models.ForeignKey(
        Service,
        null=True,
        on_delete=models.CASCADE,
        related_name="rejections",
        help_text="Empty: no valid key was given.",
    )
    code = models.CharField(max_length=40, verbose_name="reason")
    detail = models.CharField(max_length=500, help_text="What was wrong and what to do.")
    day = models.DateField()
    rejection_count = models.BigIntegerField(default=0)
    sample = models.TextField(blank=True, help_text="The beginning of the latest one, scrubbed.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "code", "day"], nulls_distinct=False, name="rejection_unique")
        ]
        indexes = [models.Index(models.F("last_at").desc(), name="rejection_latest")]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.code} × {self.rejection_count}"
