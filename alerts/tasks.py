"""Periodic work on alerts; the schedules are in `liftmon/beat.py`."""

from celery import shared_task
from django.utils import timezone

from alerts import delivery, evaluation
from alerts.holding import unless_held
from alerts.incidents import following
from alerts.on_call import escalating
from alerts.outbox import letters, telling
from alerts.runbooks import late
from alerts.statuspage import subscribing
from alerts.statuspage import views as status_page


@shared_task(name="alerts.tasks.judge_news", soft_time_limit=60)
@unless_held
def judge_news(**_: object) -> int:
    """And send at once what that brought: somebody waits for it."""
    fired = evaluation.judge_news(now=timezone.now()).fired
    if fired:
        deliver_due.delay()
    return fired


@shared_task(name="alerts.tasks.judge_windows", soft_time_limit=120)
@unless_held
def judge_windows(**_: object) -> int:
    """How many alerts fired or ended."""
    changes = evaluation.judge_windows(now=timezone.now())
    return changes.fired + changes.resolved


@shared_task(name="alerts.tasks.deliver_due", soft_time_limit=60)
def deliver_due(**_: object) -> int:
    """One task a channel: a slow one holds up nobody else."""
    due = delivery.channels_due(now=timezone.now())
    for channel_id in due:
        deliver.delay(channel_id=channel_id)
    return len(due)


@shared_task(name="alerts.tasks.deliver", soft_time_limit=120)
def deliver(*, channel_id: int, **_: object) -> int:
    return delivery.deliver(channel_id)


@shared_task(name="alerts.tasks.send_letters", soft_time_limit=120)
def send_letters(**_: object) -> int:
    return letters.send_due()


@shared_task(name="alerts.tasks.tell_fallback", soft_time_limit=60)
def tell_fallback(**_: object) -> int:
    return delivery.tell_fallback(now=timezone.now())


@shared_task(name="alerts.tasks.remind", soft_time_limit=60)
@unless_held
def remind(**_: object) -> int:
    return telling.remind(now=timezone.now())


@shared_task(name="alerts.tasks.escalate", soft_time_limit=60)
@unless_held
def escalate(**_: object) -> int:
    """And send at once what that brought: a step waits its time and no longer."""
    taken = escalating.take_due(now=timezone.now())
    if taken:
        deliver_due.delay()
    return taken


@shared_task(name="alerts.tasks.follow_incidents", soft_time_limit=60)
@unless_held
def follow_incidents(**_: object) -> int:
    """How many incidents moved."""
    return following.follow(now=timezone.now())


@shared_task(name="alerts.tasks.tell_late", soft_time_limit=60)
@unless_held
def tell_late(**_: object) -> int:
    """And send at once what that brought."""
    told = late.tell_late(now=timezone.now())
    if told:
        deliver_due.delay()
    return told


@shared_task(name="alerts.tasks.keep_status_page", soft_time_limit=60)
def keep_status_page(**_: object) -> None:
    """Anew each time: what it says of today's uptime changes by the clock."""
    status_page.keep_pages(now=timezone.now())


@shared_task(name="alerts.tasks.forget_subscribers", soft_time_limit=60)
def forget_subscribers(**_: object) -> int:
    return subscribing.forget(now=timezone.now())
