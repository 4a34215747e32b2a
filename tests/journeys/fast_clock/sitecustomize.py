"""Python runs this as it starts, in every process that has this folder on its PYTHONPATH.

With LIFTMON_TEST_CLOCK, a file, Django's clock is the one that is written there: the same for the web and the worker, who ask
nothing else for the time of what they write. Timeouts and heartbeats stay on the clock of the machine, and so does Beat, which
decides nothing but how often it is looked: django-celery-beat compares Django's clock with when, by the machine's, it last ran a
task, and would never run it again.
"""

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path


def reading(line: str) -> datetime:
    """``line``: "BEGAN START SPEED UNTIL". From BEGAN (of time.monotonic) it runs from START, SPEED seconds a second, and from
    UNTIL on as clocks do. START and UNTIL are seconds since 1970."""
    began, start, speed, until = map(float, line.split())
    passed, runs_for = time.monotonic() - began, (until - start) / speed
    return datetime.fromtimestamp(start + passed * speed if passed < runs_for else until + passed - runs_for, UTC)


if (_file := os.environ.get("LIFTMON_TEST_CLOCK")) and "beat" not in sys.orig_argv:
    from django.utils import timezone

    timezone.now = lambda: reading(Path(_file).read_text())
