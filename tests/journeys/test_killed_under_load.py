"""SIGKILL of any process under load: whatever was acknowledged is there afterwards, exactly once, and every counter is right.

`python -m benchmarks.kill_loop --minutes 30` is the same for as long as one likes.
"""

import random
from pathlib import Path

import pytest

from benchmarks import kill_loop
from tests.journeys.running import migrated

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


def test_nothing_acknowledged_is_lost_and_nothing_is_counted_twice(data_folder: Path) -> None:
    seed = random.randrange(1_000_000)

    verdict = kill_loop.run(migrated(data_folder), seconds=30, seed=seed)

    assert verdict.problems == [], f"seed {seed}, {verdict}"
    assert verdict.acknowledged > 100
    assert sum(verdict.kills.values()) >= 2  # a busy machine needs most of the time for starting `up` again
    assert set(verdict.answers) <= {200, 503}
