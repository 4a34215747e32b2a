"""A real Liftmon for a test: `manage.py up` as a child process in a data folder and on a port of its own."""

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

import psycopg

from liftmon.embedded.layout import DataLayout
from liftmon.embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[2]
READY = "Ctrl-C stops everything."


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(folder: Path, **extra: str) -> dict[str, str]:
    """Ours without what the test run set for itself."""
    dropped = ("DATABASE_URL", "REDIS_URL", "LIFTMON_", "DJANGO_", "COV_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return {**kept, "LIFTMON_DATA_DIR": str(folder), **extra}


def migrated(folder: Path) -> Path:
    """The same folder, now with PostgreSQL's files of a Liftmon that has all its tables and nothing in them.

    Making them takes half of a first start; test_one_command.py begins with nothing.
    """
    layout = DataLayout(folder)
    folder.mkdir(exist_ok=True)
    # Unlike Python's copytree it keeps the owner, without whom PostgreSQL does not start.
    subprocess.run(["cp", "-a", str(_migrated()), str(layout.postgres_dir)], check=True)
    return folder


@cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    layout = DataLayout(folder)
    postgres = EmbeddedPostgres(layout, say=print)
    postgres.start()
    try:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=environment(folder), check=True
        )
    finally:
        postgres.stop()
    return layout.postgres_dir


class RunningLiftmon:
    """Starts at once; ``log`` grows while it runs."""

    def __init__(self, folder: Path, *arguments: str, port: int | None = None, **extra: str) -> None:
        self.folder = folder
        self.layout = DataLayout(folder.resolve())
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(self.port), *arguments],
            cwd=ROOT,
            env=environment(folder, **extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))

    @property
    def log(self) -> str:
        return "\n".join(self.lines)

    def wait_until_ready(self, seconds: float = 180) -> "RunningLiftmon":
        self.wait_for(READY, seconds)
        return self

    def wait_for(self, text: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.log:
            assert self.process.poll() is None, f"it ended:\n{self.log}"
            assert time.monotonic() < deadline, f"no {text!r} within {seconds} s:\n{self.log}"
            time.sleep(0.05)

    def wait_until_drained(self, seconds: float = 120) -> "RunningLiftmon":
        """Until nothing that came while PostgreSQL was away waits in the spool."""
        deadline = time.monotonic() + seconds
        while list(self.layout.spool_dir.glob("*.spool")):
            assert time.monotonic() < deadline, f"the spool is not empty within {seconds} s:\n{self.log}"
            time.sleep(0.05)
        return self

    def told(self, label: str) -> str:
        """What the banner says after a label."""
        found = re.search(rf"\|   {label}\s+(\S+)", self.log)
        assert found, f"no {label} in:\n{self.log}"
        return found[1]

    def curl_line(self) -> str:
        found = re.search(r"\|   (curl .+)", self.log)
        assert found, self.log
        return found[1]

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 60) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(seconds)
        self._reader.join(10)
        return code

    def processes(self) -> list[tuple[int, str]]:
        """Process ids and command lines of what belongs to this data folder, told by environment or arguments; not `up`."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) in (self.process.pid, os.getpid()):
                continue
            try:
                if (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                    continue
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                surroundings = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"LIFTMON_DATA_DIR={self.folder}" in surroundings.split("\0") or str(self.layout.root) in command:
                found.append((int(entry.name), command))
        return found

    def children(self) -> list[str]:
        """The command lines of what still runs."""
        return [command for _, command in self.processes()]

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=environment(self.folder),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with psycopg.connect(
            host=str(self.layout.socket_dir("postgres")), user="liftmon", dbname="liftmon"
        ) as connection:
            return list(connection.execute(sql).fetchall())
