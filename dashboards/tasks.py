"""Periodic work on digests; the schedules are in `liftmon/beat.py`."""

from celery import shared_task
from django.utils import timezone

from dashboards.digests import sending


@shared_task(name="dashboards.tasks.send_digests", soft_time_limit=540, time_limit=600)
def send_digests(**_: object) -> int:
    """How many readers have one more, or a reason why not."""
    return sending.send_due(now=timezone.now())
