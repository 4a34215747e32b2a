"""Periodic work on digests; the schedules are in `liftmon/beat.py`."""

from celery import shared_task
from django.utils import timezone

from dashboards.digests import forgetting, sending


@shared_task(name="dashboards.tasks.send_digests", soft_time_limit=540, time_limit=600)
def send_digests(**_: object) -> int:
    """How many readers have one more, or a reason why not."""
    return sending.send_due(now=timezone.now())


@shared_task(name="dashboards.tasks.forget_digests", soft_time_limit=60)
def forget_digests(**_: object) -> int:
    return forgetting.forget(now=timezone.now())
