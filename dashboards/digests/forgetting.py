"""Digests, deliveries and marks of reviews are kept as long as the counts that they were made of."""

from datetime import datetime, timedelta

from django.conf import settings

from dashboards.models import Digest, DigestDelivery, ReviewMark


def forget(*, now: datetime) -> int:
    """How many rows went."""
    before = now - timedelta(days=settings.ROLLUP_RETENTION_DAYS)
    gone = (
        DigestDelivery.objects.filter(end_at__lt=before).delete()[0],
        Digest.objects.filter(end_at__lt=before).delete()[0],
        ReviewMark.objects.filter(seen_at__lt=before).delete()[0],
    )
    return sum(gone)
