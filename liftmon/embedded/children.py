"""Starting child processes that do not outlive us, and ending those that a killed predecessor left behind."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

_PR_SET_PDEATHSIG = 1
# Loaded before any fork: the child may do next to nothing between fork and exec.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def start_child(
    argv: Sequence[str],
    *,
    die_with: signal.Signals,
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    output: IO[bytes] | int | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own; on Linux it gets ``die_with`` when we end, even by SIGKILL.

    Call it from the main thread: the kernel's promise is bound to the thread that forks. ``output`` takes both streams.
    """
    return subprocess.Popen(
        list(argv),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_arrange_death(die_with),
        **identity_of(user),
    )


def identity_of(user: str | None) -> dict[str, Any]:
    """What subprocess needs to run as ``user`` alone, without our own groups; nothing for None (ourselves)."""
    if user is None:
        return {}
    import pwd

    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _arrange_death(die_with: signal.Signals) -> Callable[[], None] | None:
    if _libc is None:
        return None
    prctl, number = _libc.prctl, int(die_with)
    parent = os.getpid()

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # we ended in between
            os._exit(1)

    return arrange


def stop_group(process: subprocess.Popen[bytes], stop_signal: signal.Signals, *, seconds: float) -> bool:
    """Ask the process to end, wait, then end its whole group by force. True when it ended by itself."""
    process.send_signal(stop_signal)  # does nothing when it has ended
    return end_group(process, seconds=seconds)


def end_group(process: subprocess.Popen[bytes], *, seconds: float) -> bool:
    """Wait for a process that was asked to end, then end its whole group by force. True when it ended by itself."""
    try:
        process.wait(seconds)
        ended_by_itself = True
    except subprocess.TimeoutExpired:
        ended_by_itself = False
    kill_group(process.pid)
    process.wait()
    return ended_by_itself


def kill_group(pgid: int) -> None:
    """End what is left of a process group; nothing happens when it is empty."""
    try:
        os.killpg(pgid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def command_line(pid: int) -> str:
    """The command line of a process, or "" when there is none (or no way to ask)."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def end_leftovers(marker: str, *, seconds: float = 10.0) -> list[int]:
    """End processes whose environment carries ``marker`` (LIFTMON_UP=…): children of a predecessor that was killed.

    Returns their pids. They are asked first (SIGTERM) and forced after ``seconds``. Linux only; elsewhere it finds nothing.
    """
    leftovers = [pid for pid in _all_pids() if pid != os.getpid() and marker in _environment(pid)]
    for pid in leftovers:
        _send(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while any(is_running(pid) for pid in leftovers) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in leftovers:
        if is_running(pid):
            _send(pid, signal.SIGKILL)
    return leftovers


def is_running(pid: int) -> bool:
    """Whether a process of that id exists and is more than a corpse."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _all_pids() -> list[int]:
    try:
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except FileNotFoundError:
        return []


def _environment(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []
