"""What was looked at in a daily or weekly review, and what became of it."""

from django.conf import settings
from django.db import models

from dashboards.models.digest import DigestKind


class ReviewMark(models.Model):
    """One item of the review of one period, for everybody who reviews: somebody has seen it."""

    kind = models.CharField(max_length=7, choices=DigestKind.choices)
    # The day that names the period, on the reader's clock.
    day = models.DateField()
    # The same for the same item however its numbers change (dashboards.digests.items).
    item = models.CharField(max_length=100)
    text = models.CharField(max_length=300)
    seen_at = models.DateTimeField()
    seen_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    # What it was turned into, in words, and where that is; "" for seen and no more.
    outcome = models.CharField(max_length=200, blank=True)
    outcome_link = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint("kind", "day", "item", name="review_mark_once")]

    def __str__(self) -> str:
        return self.text
