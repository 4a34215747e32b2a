"""The Celery application; tasks live in the apps' `tasks.py`, their schedules in `liftmon/beat.py`."""

import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftmon.settings")

# Running as root is the operator's choice (`up` says what follows from it); twelve lines at each start say no more.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("liftmon")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
