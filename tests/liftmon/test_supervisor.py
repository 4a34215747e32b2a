import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from liftmon.embedded.children import is_running
from liftmon.supervisor import Child, Supervisor, describe_exit, next_pause


def wait_until(holds: Callable[[], object], seconds: float = 30) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def child(name: str, code: str) -> Child:
    return Child(name, [sys.executable, "-u", "-c", code], dict(os.environ), stop_seconds=5)


@pytest.mark.parametrize(
    ("previous", "ran", "pause"), [(0, 0, 1), (1, 5, 2), (2, 5, 4), (16, 5, 30), (30, 5, 30), (30, 61, 1), (8, 60, 1)]
)
def test_pauses_double_and_are_forgotten_after_a_good_minute(previous: float, ran: float, pause: float) -> None:
    assert next_pause(previous, ran_seconds=ran) == pause


@pytest.mark.parametrize(
    ("code", "words"), [(0, "with code 0"), (3, "with code 3"), (-9, "by SIGKILL"), (-199, "by signal 199")]
)
def test_an_exit_is_described(code: int, words: str) -> None:
    assert describe_exit(code) == words


def test_a_child_that_ends_is_started_again_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liftmon.supervisor._FIRST_PAUSE", 0.05)
    said: list[str] = []
    out = io.StringIO()
    supervisor = Supervisor(say=said.append, out=out)
    supervisor.start(child("demo", "print('hello'); raise SystemExit(3)"))

    def restarted() -> bool:
        supervisor.watch()
        return out.getvalue().count("hello") >= 2

    assert wait_until(restarted)
    supervisor.stop()

    assert said[0].startswith("demo ended with code 3; restarting in")
    assert "demo    | hello" in out.getvalue()


def test_stopping_asks_and_takes_the_childrens_children_along(tmp_path: Path) -> None:
    grandchild = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "deaf = 'import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)'\n"
        "inner = subprocess.Popen([sys.executable, '-c', deaf])\n"
        f"open({str(grandchild)!r}, 'w').write(str(inner.pid))\n"
        "time.sleep(60)\n"
    )
    supervisor = Supervisor(say=lambda _: None, out=io.StringIO())
    supervisor.start(child("parent", code))
    assert wait_until(lambda: grandchild.exists() and grandchild.read_text())

    supervisor.stop()

    assert wait_until(lambda: not is_running(int(grandchild.read_text())))


def test_all_children_are_asked_to_stop_at_once(tmp_path: Path) -> None:
    """Each ends when it sees that the other was asked."""
    said: list[str] = []
    out = io.StringIO()
    supervisor = Supervisor(say=said.append, out=out)
    for mine, other in (("one", "two"), ("two", "one")):
        code = (
            "import pathlib, signal, time\n"
            "def end(*_):\n"
            f"    pathlib.Path({str(tmp_path / mine)!r}).touch()\n"
            f"    while not pathlib.Path({str(tmp_path / other)!r}).exists(): time.sleep(0.01)\n"
            "    raise SystemExit\n"
            "signal.signal(signal.SIGTERM, end)\n"
            f"print('{mine} runs')\n"
            "while True: time.sleep(1)\n"
        )
        supervisor.start(child(mine, code))
    assert wait_until(lambda: out.getvalue().count("runs") == 2)

    supervisor.stop()

    assert said == []


def test_a_child_that_will_not_stop_is_forced() -> None:
    said: list[str] = []
    out = io.StringIO()
    supervisor = Supervisor(say=said.append, out=out)
    stubborn = child(
        "stubborn", "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    )
    stubborn.stop_seconds = 0.3
    supervisor.start(stubborn)
    assert wait_until(lambda: "deaf" in out.getvalue())

    supervisor.stop()

    assert said == ["stubborn did not stop within 0 s and was ended by force."]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's promise is Linux's")
def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pid"
    parent = (
        "import signal, sys, time\n"
        "from liftmon.embedded.children import start_child\n"
        "made = start_child([sys.executable, '-c', 'import time; time.sleep(60)'], die_with=signal.SIGTERM)\n"
        f"open({str(pids)!r}, 'w').write(str(made.pid))\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], cwd=Path(__file__).resolve().parents[2])
    assert wait_until(lambda: pids.exists() and pids.read_text())

    process.send_signal(signal.SIGKILL)
    process.wait()

    assert wait_until(lambda: not is_running(int(pids.read_text())))
