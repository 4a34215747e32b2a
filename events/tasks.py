"""Periodic work on events; the schedules are in `liftmon/beat.py`."""

from celery import shared_task
from django.utils import timezone

from events import partitions, retention, rollups, usual_rates


@shared_task(name="events.tasks.compact_rollups")
def compact_rollups(**_: object) -> int:
    return rollups.compact()


@shared_task(name="events.tasks.make_partitions")
def make_partitions(**_: object) -> int:
    return partitions.make_partitions(now=timezone.now())


@shared_task(name="events.tasks.index_arrivals")
def index_arrivals(**_: object) -> int:
    return partitions.index_arrivals(now=timezone.now())


@shared_task(name="events.tasks.forget_expired")
def forget_expired(**_: object) -> int:
    return retention.forget_expired(now=timezone.now()).rows


@shared_task(name="events.tasks.learn_usual_rates")
def learn_usual_rates(**_: object) -> int:
    return usual_rates.learn_usual_rates(now=timezone.now())
