"""The servers of a benchmark: PostgreSQL and Redis in a folder of their own, web processes in front of a database."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from liftmon.embedded.layout import DataLayout
from liftmon.embedded.postgres import EmbeddedPostgres
from liftmon.embedded.redis import EmbeddedRedis
from tests.journeys.running import ROOT, environment, free_port


@contextmanager
def databases(folder: Path) -> Iterator[DataLayout]:
    """PostgreSQL with the settings that `up` gives it (fsync on), and Redis."""
    layout = DataLayout(folder)
    postgres, redis = EmbeddedPostgres(layout, say=print), EmbeddedRedis(layout, say=print)
    try:
        postgres.start()
        redis.start()
        yield layout
    finally:
        redis.stop()
        postgres.stop()


def environment_of(layout: DataLayout, database: str, folder: Path) -> dict[str, str]:
    """Of a process that works on one of the databases; ``folder`` is its own data folder (spool, secrets)."""
    return environment(
        folder,
        DATABASE_URL=f"postgres://liftmon@/{database}?host={layout.socket_dir('postgres')}",
        REDIS_URL=layout.redis_url,
        DJANGO_SETTINGS_MODULE="liftmon.settings",
        LIFTMON_LOG_LEVEL="WARNING",
    )


def manage(surroundings: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@dataclass
class Web:
    """Web processes on a port, with a key to send with."""

    port: int
    key: str
    processes: list[psutil.Process]

    @property
    def ingest_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/analytics/track?key={self.key}"

    @property
    def empty_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/benchmark/empty"

    def resident(self) -> int:
        """Bytes of the largest."""
        return max(process.memory_info().rss for process in self.processes)


@contextmanager
def web(surroundings: dict[str, str], *, workers: int, key: str) -> Iterator[Web]:
    port = free_port()
    argv = [sys.executable, "-m", "granian", "--interface", "rsgi", "benchmarks.served:application"]
    argv += ["--port", str(port), "--workers", str(workers), "--backlog", "2048", "--backpressure", "2048"]
    argv += ["--no-ws", "--log-level", "error", "--workers-kill-timeout", "5s"]
    process = subprocess.Popen(argv, cwd=ROOT, env=surroundings, start_new_session=True)
    try:
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        time.sleep(2)  # all workers, not just the first
        yield Web(port, key, psutil.Process(process.pid).children(recursive=True))
    finally:
        for child in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
            child.kill()
        process.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def prepare(surroundings: dict[str, str]) -> str:
    """Migrate a database and make a service; answers its secret key."""
    os.makedirs(surroundings["LIFTMON_DATA_DIR"], exist_ok=True)  # noqa: PTH103 - a string from the environment
    manage(surroundings, "migrate", "--verbosity", "0")
    manage(surroundings, "makepartitions", "--verbosity", "0")
    return str(json.loads(manage(surroundings, "createservice", "benchmark", "--json"))["secret_key"])
