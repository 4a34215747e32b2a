import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from liftmon.beat import SCHEDULES, seed_schedules
from liftmon.celery import app

pytestmark = pytest.mark.django_db


def test_it_adds_every_schedule_once() -> None:
    assert seed_schedules() == len(SCHEDULES)
    assert seed_schedules() == 0
    assert set(PeriodicTask.objects.values_list("task", flat=True)) == {entry.task for entry in SCHEDULES}


def test_what_an_operator_retimed_or_disabled_stays_so() -> None:
    seed_schedules()
    slower, _ = IntervalSchedule.objects.get_or_create(every=5, period=IntervalSchedule.MINUTES)
    PeriodicTask.objects.filter(name="Heartbeat").update(enabled=False)
    PeriodicTask.objects.filter(name="Compact rollups").update(interval=slower)

    seed_schedules()

    assert not PeriodicTask.objects.get(name="Heartbeat").enabled
    assert PeriodicTask.objects.get(name="Compact rollups").interval == slower


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()

    assert {entry.task for entry in SCHEDULES} <= set(app.tasks)


def test_a_task_that_runs_again_finds_nothing_left_to_do() -> None:
    app.loader.import_default_modules()

    for entry in SCHEDULES:
        app.tasks[entry.task]()
    again = {entry.task: app.tasks[entry.task]() for entry in SCHEDULES}

    assert set(again.values()) <= {0, None}
