"""The Celery application; tasks live in the apps' `tasks.py`, their schedules in `liftmon/beat.py`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftmon.settings")

app = Celery("liftmon")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
