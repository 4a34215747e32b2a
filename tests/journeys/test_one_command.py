"""A person clones the repository and starts it: what they see, paste, break and stop."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.running import READY, ROOT, RunningLiftmon, environment, free_port, migrated

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600)]


def get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def up(folder: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """`up` where it should refuse to start."""
    return subprocess.run(
        [sys.executable, "manage.py", "up", *arguments],
        cwd=ROOT,
        env=environment(folder, **extra),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def test_start_send_kill_start_again_and_stop(data_folder: Path) -> None:
    first = RunningLiftmon(data_folder)
    try:
        first.wait_until_ready()
        password = first.told("Password")
        assert len(password) >= 12
        assert first.told("Admin") == f"{first.url}/admin/"
        assert first.told("DSN").endswith(f"@127.0.0.1:{first.port}/1")
        assert get_json(f"{first.url}/readyz")["culprits"] == []
        assert get_json(f"{first.url}/healthz") == {"status": "ok"}

        pasted = subprocess.run(["bash", "-c", first.curl_line()], capture_output=True, text=True, check=True)
        assert json.loads(pasted.stdout)["ok"] is True
        assert first.query("SELECT title, event_count, user_count FROM events_issue") == [
            ("api_timeout: career advice timed out", 1, 1)
        ]

        made = first.manage("createservice", "lift web", "--json")
        service = json.loads(made.stdout)
        assert set(service) == {"id", "slug", "secret_key", "public_key", "dsn", "ingest_url", "curl"}
        assert service["ingest_url"] == f"{first.url}/api/analytics/track"
        assert subprocess.run(
            ["bash", "-c", service["curl"]], capture_output=True, text=True, check=True
        ).stdout.startswith('{"ok":true')
        taken = first.manage("createservice", "lift web")
        assert taken.returncode != 0
        assert "already" in taken.stderr

        second_on_same_folder = up(data_folder, "--port", str(free_port()))
        assert "already runs" in second_on_same_folder.stderr
        assert str(first.process.pid) in second_on_same_folder.stderr
    finally:
        first.stop(signal.SIGKILL)

    started = time.monotonic()
    second = RunningLiftmon(data_folder)
    try:
        second.wait_until_ready()
        assert time.monotonic() - started < 90  # under 10 s on an idle machine
        assert "Password" not in second.log
        assert second.query("SELECT count(*) FROM events_event") == [(2,)]
        assert second.query("SELECT count(*) FROM auth_user") == [(1,)]
    finally:
        code = second.stop(signal.SIGTERM)
    assert code == 0
    assert second.lines[-1].endswith("Stopped.")
    assert second.children() == []


def test_a_crashed_child_is_started_again_and_said_so(data_folder: Path) -> None:
    running = RunningLiftmon(migrated(data_folder))
    try:
        running.wait_until_ready()
        for name, marker in (("worker", "worker"), ("beat", "beat"), ("web", "granian")):
            pid = next(pid for pid in processes_of(running) if marker in command_of(pid))
            os.kill(pid, signal.SIGKILL)
            running.wait_for(f"{name} ended by SIGKILL; restarting in 1 s.")
        for name, marker in (("PostgreSQL", "postgres -D"), ("Redis", "redis.sock")):
            pid = next(pid for pid in processes_of(running) if marker in command_of(pid))
            os.kill(pid, signal.SIGKILL)
            running.wait_for(f"{name} ended by SIGKILL; starting it again.")
        assert becomes_ready(running)
        assert subprocess.run(["bash", "-c", running.curl_line()], capture_output=True, check=True).stdout.startswith(
            b'{"ok":true'
        )
    finally:
        code = running.stop(signal.SIGINT)
    assert code == 0
    assert running.children() == []


def becomes_ready(running: RunningLiftmon, seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if get_json(f"{running.url}/readyz")["status"] == "ready":
                return True
        except OSError:
            time.sleep(0.2)
    return False


def processes_of(running: RunningLiftmon) -> list[int]:
    """The supervisor's direct children, oldest first."""
    path = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
    return [int(pid) for pid in path.read_text().split()]


def command_of(pid: int) -> str:
    """Nothing when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def test_readyz_names_the_culprit(data_folder: Path) -> None:
    running = RunningLiftmon(migrated(data_folder))
    try:
        running.wait_until_ready()
        redis = next(pid for pid in processes_of(running) if "redis" in command_of(pid) or "valkey" in command_of(pid))
        os.kill(redis, signal.SIGSTOP)
        with pytest.raises(urllib.error.HTTPError) as refused:
            get_json(f"{running.url}/readyz")
        os.kill(redis, signal.SIGCONT)
        answer = json.load(refused.value)
        assert refused.value.code == 503
        assert answer["culprits"][0] == "redis"
        assert "REDIS_URL" in answer["checks"]["redis"]
    finally:
        running.stop()


def test_what_is_in_the_way_gets_one_clear_line(data_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        busy = up(data_folder, "--port", str(port))
    in_a_file = up(Path("/etc/hostname/liftmon"))
    (data_folder / "postgres").mkdir()
    half = up(data_folder, "--port", str(free_port()))

    assert busy.returncode == in_a_file.returncode == half.returncode == 1
    assert busy.stderr.strip() == (
        f"CommandError: Cannot listen on 127.0.0.1:{port} (Address already in use). "
        f"Stop what uses it, or choose another port: manage.py up --port {port + 1}"
    )
    assert len(in_a_file.stderr.strip().splitlines()) == 1
    assert "LIFTMON_DATA_DIR" in in_a_file.stderr
    assert len(half.stderr.strip().splitlines()) == 1
    assert "not a complete PostgreSQL database" in half.stderr


def test_an_interrupted_first_start_is_begun_anew(data_folder: Path) -> None:
    (data_folder / "postgres.new" / "base").mkdir(parents=True)

    running = RunningLiftmon(data_folder)
    try:
        running.wait_until_ready()
        assert "interrupted" in running.log
    finally:
        running.stop()


def test_servers_of_your_own_are_used_and_nothing_embedded_starts(data_folder: Path, liftmon: RunningLiftmon) -> None:
    with_mine = RunningLiftmon(
        data_folder,
        DATABASE_URL=liftmon.layout.database_url,
        REDIS_URL=f"{liftmon.layout.redis_url}?db=1",
    )
    try:
        with_mine.wait_until_ready()
        assert not (data_folder / "postgres").exists()
        assert not (data_folder / "redis").exists()
        assert not any(
            "postgres -D" in child or "redis" in child for child in with_mine.children() if str(data_folder) in child
        )
    finally:
        with_mine.stop()


def test_the_first_line_of_the_readme_needs_none_of_the_test_tools(data_folder: Path) -> None:
    uv = shutil.which("uv")
    assert uv, "the tests are started by uv"
    first_line = next(
        line for line in (ROOT / "README.md").read_text().splitlines() if line.startswith("pip install uv && ")
    )
    command = first_line.removeprefix("pip install uv && ").replace("--demo", f"--port {free_port()}")
    assert command.startswith("uv run manage.py up")
    log = data_folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            command.split(),
            cwd=ROOT,
            env=environment(data_folder, UV_PROJECT_ENVIRONMENT=str(data_folder / "venv"), VIRTUAL_ENV=""),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 150
        while READY not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        assert "Liftmon is ready." in log.read_text()
        assert "Traceback" not in log.read_text()
        assert not list((data_folder / "venv").glob("lib/python*/site-packages/pytest"))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)
    assert log.read_text().strip().endswith("Stopped.")
