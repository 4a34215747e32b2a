"""Runs the processes of `manage.py up`: one log, restarts with a growing pause, an orderly end.

honcho and its like end everything when one child ends, so a crashed worker would take the ingest door with it; see
docs/decisions/0001-one-command.md.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import IO

from liftmon.embedded.children import end_group, kill_group, start_child

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
# A child that ran this long was well: its next crash is the first one again.
_WELL_AFTER = 60.0


def next_pause(previous: float, *, ran_seconds: float) -> float:
    """How long to wait before a restart: 1 s, doubled for each crash that follows soon, 30 s at most."""
    if ran_seconds >= _WELL_AFTER or previous == 0:
        return _FIRST_PAUSE
    return min(previous * 2, _LONGEST_PAUSE)


@dataclass(slots=True)
class Child:
    """One process to keep running."""

    name: str
    argv: Sequence[str]
    env: dict[str, str]
    stop_seconds: float = 10.0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = 0.0
    restart_at: float = 0.0
    is_stopping: bool = field(default=False)


class Supervisor:
    """Starts children and watches them from the main thread."""

    def __init__(self, *, say: Callable[[str], None], out: IO[str] | None = None) -> None:
        self.say = say
        self.out = out or sys.stdout
        self.children: list[Child] = []
        self._printing = threading.Lock()

    def start(self, child: Child) -> None:
        self.children.append(child)
        self._launch(child)

    def watch(self) -> None:
        """One look at every child: say which ended, start again those whose pause is over."""
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and (code := child.process.poll()) is not None:
                kill_group(child.process.pid)  # its own children must not linger beside their successors
                child.process = None
                child.pause = next_pause(child.pause, ran_seconds=now - child.started_at)
                child.restart_at = now + child.pause
                self.say(f"{child.name} ended {describe_exit(code)}; restarting in {child.pause:.0f} s.")
            elif child.process is None and now >= child.restart_at:
                self._launch(child)

    def stop(self) -> None:
        """Ask all children to end, at once, and wait for each as long as it may take: none needs another to end well."""
        asked_at = time.monotonic()
        for child in self.children:
            if child.process is not None:
                child.process.terminate()
        for child in self.children:
            left = max(asked_at + child.stop_seconds - time.monotonic(), 0)
            if child.process is not None and not end_group(child.process, seconds=left):
                self.say(f"{child.name} did not stop within {child.stop_seconds:.0f} s and was ended by force.")
            child.process = None

    def kill(self) -> None:
        """End everything at once: the second Ctrl-C."""
        for child in self.children:
            if child.process is not None:
                kill_group(child.process.pid)

    def _launch(self, child: Child) -> None:
        process = start_child(child.argv, die_with=signal.SIGTERM, env=child.env, output=subprocess.PIPE)
        child.process = process
        child.started_at = time.monotonic()
        if process.stdout is not None:
            threading.Thread(target=self._copy_log, args=(child.name, process.stdout), daemon=True).start()

    def _copy_log(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self.print_line(name, line.decode("utf-8", "replace").rstrip())

    def print_line(self, name: str, text: str) -> None:
        """One line of the common log, after the name of who says it."""
        with self._printing:
            try:
                print(f"{name:<8}| {text}", file=self.out, flush=True)
            except (BrokenPipeError, ValueError):
                return  # whoever read the log has gone; the work goes on


def describe_exit(code: int) -> str:
    """ "with code 3" or "by SIGKILL"."""
    if code >= 0:
        return f"with code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
