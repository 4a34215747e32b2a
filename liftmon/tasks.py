"""The project's own periodic work."""

from celery import shared_task

from liftmon import heartbeats, pinging


@shared_task(name=heartbeats.TASK_NAME, ignore_result=True)
def heartbeat(**_: object) -> None:
    heartbeats.stamp("worker")


@shared_task(name="liftmon.tasks.ping", soft_time_limit=50)
def ping(**_: object) -> None:
    pinging.ping()
