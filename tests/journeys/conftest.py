import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.running import RunningLiftmon, migrated

PASSWORD = "correct-horse-battery"


@pytest.fixture
def data_folder() -> Iterator[Path]:
    """A data folder as a careful machine gives one: 0700, in a short path."""
    with tempfile.TemporaryDirectory(prefix="lm-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def liftmon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLiftmon]:
    """One running Liftmon for the tests of a module that do it no harm."""
    with tempfile.TemporaryDirectory(prefix="lm-", ignore_cleanup_errors=True) as folder:
        running = RunningLiftmon(migrated(Path(folder)), LIFTMON_ADMIN_PASSWORD=PASSWORD)
        try:
            yield running.wait_until_ready()
        finally:
            running.stop()
