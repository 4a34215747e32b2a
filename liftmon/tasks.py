"""The project's own periodic work."""

from celery import shared_task

from liftmon import heartbeats


@shared_task(name=heartbeats.TASK_NAME, ignore_result=True)
def heartbeat(**_: object) -> None:
    heartbeats.stamp("worker")
