"""Where the embedded servers keep their data and sockets, computed from the data folder alone.

Every process (the `up` command, a script, a test) computes the same addresses, so nothing needs to be handed around.
"""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

# sockaddr_un holds 107 bytes; PostgreSQL adds "/.s.PGSQL.5432.lock" while it starts.
_LONGEST_SOCKET_DIR = 107 - len("/.s.PGSQL.5432.lock")


@dataclass(frozen=True, slots=True)
class DataLayout:
    """The folders and addresses below one data folder."""

    root: Path

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.json"

    @property
    def postgres_dir(self) -> Path:
        return self.root / "postgres"

    @property
    def redis_dir(self) -> Path:
        return self.root / "redis"

    @property
    def spool_dir(self) -> Path:
        """Where events wait while PostgreSQL is away."""
        return self.root / "spool"

    @property
    def metrics_dir(self) -> Path:
        """Where the web processes of one `up` keep their counters together."""
        return self.root / "metrics"

    @property
    def lock_file(self) -> Path:
        return self.root / "up.lock"

    @property
    def base_url_file(self) -> Path:
        """Where a running `up` tells its address to commands started beside it."""
        return self.root / "run" / "base_url"

    def socket_dir(self, server: str) -> Path:
        """A short folder for the server's unix socket: below the data folder, or in the temp folder when that is too long."""
        inside = self.root / "run" / server
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_DIR:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"liftmon-{digest}" / server

    @property
    def database_url(self) -> str:
        return f"postgres://liftmon@/liftmon?host={self.socket_dir('postgres')}"

    @property
    def redis_socket(self) -> Path:
        return self.socket_dir("redis") / "redis.sock"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.redis_socket}"

    def read_base_url(self) -> str:
        """The address that `up` last told, or ""."""
        try:
            return self.base_url_file.read_text().strip()
        except OSError:
            return ""
