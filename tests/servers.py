"""A pytest plugin: one real PostgreSQL and one real Redis for the whole run, started before the settings are read.

The controller starts them in a temporary data folder; xdist's workers inherit LIFTMON_DATA_DIR and use the same two, each
with a database of its own. With DATABASE_URL or REDIS_URL set, that server is used instead.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from liftmon.embedded.layout import DataLayout
from liftmon.embedded.postgres import EmbeddedPostgres
from liftmon.embedded.redis import EmbeddedRedis

_MINE = "LIFTMON_TEST_SERVERS"
_running = ExitStack()
# Tests start a hundred processes: where the environment forbids bytecode, each would compile all packages anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """A wrapper runs before pytest-django reads the settings."""
    if _MINE not in os.environ:
        _start()
    return (yield)


def pytest_unconfigure() -> None:
    _running.close()


def _start() -> None:
    os.environ[_MINE] = str(os.getpid())
    folder = Path(tempfile.mkdtemp(prefix="liftmon-tests-"))
    _running.callback(shutil.rmtree, folder, ignore_errors=True)
    os.environ["LIFTMON_DATA_DIR"] = str(folder)
    os.environ.pop("LIFTMON_BASE_URL", None)
    layout = DataLayout(folder)
    if not os.environ.get("DATABASE_URL"):
        # Nothing here outlives the run: what costs time to survive a power cut is off.
        fast = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
        postgres = EmbeddedPostgres(layout, say=print, extra_settings=fast)
        _running.callback(postgres.stop)
        postgres.start()
    if not os.environ.get("REDIS_URL"):
        redis = EmbeddedRedis(layout, say=print)
        _running.callback(redis.stop)
        redis.start()
