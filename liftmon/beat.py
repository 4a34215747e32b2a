"""Every periodic task in one table. Operators may retime or disable them in the admin; a restart does not undo that."""

from typing import NamedTuple

from django_celery_beat.models import IntervalSchedule, PeriodicTask


class Schedule(NamedTuple):
    name: str
    task: str
    every: int
    period: str
    description: str
    # A message that waited longer than this is dropped: a newer one follows anyway.
    expire_seconds: int


SCHEDULES: tuple[Schedule, ...] = (
    Schedule(
        "Heartbeat", "liftmon.tasks.heartbeat", 10, IntervalSchedule.SECONDS,
        "Shows /readyz that Beat and the worker live.", 30,
    ),
    Schedule(
        "Compact rollups", "events.tasks.compact_rollups", 10, IntervalSchedule.SECONDS,
        "Folds the counters that ingest appended, so that pages read few rows.", 120,
    ),
    Schedule(
        "Make event partitions", "events.tasks.make_partitions", 1, IntervalSchedule.HOURS,
        "Makes the weekly partitions of the events table three weeks ahead.", 3600,
    ),
    Schedule(
        "Index arrivals", "events.tasks.index_arrivals", 60, IntervalSchedule.SECONDS,
        "Tells the index of the live feed of events that came in large batches.", 60,
    ),
    Schedule(
        "Forget expired events", "events.tasks.forget_expired", 1, IntervalSchedule.HOURS,
        "Drops partitions past their tier's retention, and old receipts, rollups and rejections.", 3600,
    ),
    Schedule(
        "Learn usual rates", "events.tasks.learn_usual_rates", 1, IntervalSchedule.HOURS,
        "Computes from each service's history what the spike guard lets through.", 3600,
    ),
    Schedule(
        "Judge what arrived", "alerts.tasks.judge_news", 2, IntervalSchedule.SECONDS,
        "Fires the alerts of events and issues that came since.", 30,
    ),
    Schedule(
        "Judge windows", "alerts.tasks.judge_windows", 15, IntervalSchedule.SECONDS,
        "Judges the rules that count, from rollups, and resolves what is over.", 60,
    ),
    Schedule(
        "Send notifications", "alerts.tasks.deliver_due", 2, IntervalSchedule.SECONDS,
        "Sends what is due to each channel.", 30,
    ),
    Schedule(
        "Send letters", "alerts.tasks.send_letters", 2, IntervalSchedule.SECONDS,
        "Sends what is due to subscribers of the status page and readers of digests.", 30,
    ),
    Schedule(
        "Escalate alerts", "alerts.tasks.escalate", 2, IntervalSchedule.SECONDS,
        "Takes the steps of escalation policies that are due.", 30,
    ),
    Schedule(
        "Remind of alerts", "alerts.tasks.remind", 60, IntervalSchedule.SECONDS,
        "Tells again of what still fires and nobody acknowledged.", 120,
    ),
    Schedule(
        "Follow incidents", "alerts.tasks.follow_incidents", 15, IntervalSchedule.SECONDS,
        "Writes what happened to the alerts of incidents into their timelines, and moves those that are over.", 60,
    ),
    Schedule(
        "Tell of late steps", "alerts.tasks.tell_late", 30, IntervalSchedule.SECONDS,
        "Tells of steps of runbooks that are not done in time.", 60,
    ),
    Schedule(
        "Keep the status page", "alerts.tasks.keep_status_page", 60, IntervalSchedule.SECONDS,
        "Puts the public page where it is found when PostgreSQL is away.", 60,
    ),
    Schedule(
        "Forget subscribers", "alerts.tasks.forget_subscribers", 1, IntervalSchedule.HOURS,
        "Deletes addresses that nobody confirmed within a week or that unsubscribed, and old letters.", 3600,
    ),
    Schedule(
        "Send digests", "dashboards.tasks.send_digests", 60, IntervalSchedule.SECONDS,
        "Writes the digests that are due and the letters with them.", 120,
    ),
    Schedule(
        "Forget digests", "dashboards.tasks.forget_digests", 1, IntervalSchedule.HOURS,
        "Deletes digests and marks of reviews that are older than the counts that they were made of.", 3600,
    ),
    Schedule(
        "Ping the heartbeat address", "liftmon.tasks.ping", 60, IntervalSchedule.SECONDS,
        "Tells LIFTMON_HEARTBEAT_URL that Liftmon works, while it does.", 30,
    ),
    Schedule(
        "Tell the fallback address", "alerts.tasks.tell_fallback", 60, IntervalSchedule.SECONDS,
        "Mails of notifications that were given up.", 120,
    ),
)  # fmt: skip


def seed_schedules() -> int:
    """Add the schedules that are missing and return how many; those that exist stay as operators left them."""
    added = 0
    for entry in SCHEDULES:
        if PeriodicTask.objects.filter(name=entry.name).exists():
            continue
        interval, _ = IntervalSchedule.objects.get_or_create(every=entry.every, period=entry.period)
        PeriodicTask.objects.create(
            name=entry.name,
            task=entry.task,
            interval=interval,
            description=entry.description,
            expire_seconds=entry.expire_seconds,
        )
        added += 1
    return added
