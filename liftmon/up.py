"""What `manage.py up` does, in order: lock, servers, database, people, processes, banner, watch, stop."""

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from types import FrameType
from typing import IO, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection

from liftmon.beat import seed_schedules
from liftmon.embedded.children import end_leftovers
from liftmon.embedded.errors import StartError
from liftmon.embedded.layout import DataLayout
from liftmon.embedded.postgres import EmbeddedPostgres
from liftmon.embedded.redis import EmbeddedRedis
from liftmon.supervisor import Child, Supervisor, describe_exit

_READY_SECONDS = 90.0
_SERVER_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class UpOptions:
    host: str
    port: int
    workers: int
    with_demo: bool


@dataclass(slots=True)
class _Welcome:
    """What the banner tells; secrets only on the start that made them."""

    password: str = ""
    service: dict[str, Any] | None = None
    public_dsn: str = ""


class Up:
    """One run of the command, from the main thread."""

    def __init__(self, options: UpOptions, *, layout: DataLayout, out: IO[str] | None = None) -> None:
        self.options = options
        self.layout = layout
        self.supervisor = Supervisor(say=self.say, out=out)
        self.servers: list[EmbeddedPostgres | EmbeddedRedis] = []
        self.is_stopping = False

    def say(self, text: str) -> None:
        self.supervisor.print_line("liftmon", text)

    def run(self) -> None:
        """Run until a signal says stop. Raises StartError when something is in the way."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        with ExitStack() as stack:
            self._prepare_data_folder(stack)
            self._check_port()
            self._tell_base_url()
            self._start_servers(stack)
            if self.is_stopping:
                return
            welcome = self._prepare_database()
            stack.callback(self._stop_processes)
            self._start_processes()
            culprits = self._wait_until_ready()
            if self.is_stopping:
                return
            self._print_banner(welcome, culprits)
            self._start_demo()
            while not self.is_stopping:
                self._watch_servers()
                self.supervisor.watch()
                time.sleep(0.2)
        self.say("Stopped.")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.is_stopping and number == signal.SIGINT:
            self.supervisor.kill()
        self.is_stopping = True

    # --- before anything starts ----------------------------------------------------------------------------------

    def _prepare_data_folder(self, stack: ExitStack) -> None:
        """Make the folder and take it for ourselves, or say who has it."""
        try:
            self.layout.root.mkdir(parents=True, exist_ok=True)
            lock = stack.enter_context(self.layout.lock_file.open("a+"))
        except OSError as error:
            raise StartError(
                f"The data folder {self.layout.root} cannot be written ({error.strerror}). "
                "Set LIFTMON_DATA_DIR to a folder that can."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise StartError(
                f"Liftmon already runs on {self.layout.root} (process {lock.read().strip() or 'unknown'}). "
                "Stop it first, or set LIFTMON_DATA_DIR to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        leftovers = end_leftovers(self._marker())
        if leftovers:
            self.say(f"The last run was killed; ended {len(leftovers)} processes that it left.")

    def _marker(self) -> str:
        return f"LIFTMON_UP={self.layout.root}"

    def _check_port(self) -> None:
        host, port = self.options.host, self.options.port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise StartError(
                    f"Cannot listen on {host}:{port} ({error.strerror}). "
                    f"Stop what uses it, or choose another port: manage.py up --port {port + 1}"
                ) from None

    def _tell_base_url(self) -> None:
        """Our address, for links and snippets: also for commands that run beside us in another shell."""
        if "LIFTMON_BASE_URL" not in os.environ:
            host = "127.0.0.1" if self.options.host in ("0.0.0.0", "::") else self.options.host  # noqa: S104
            host = f"[{host}]" if ":" in host else host
            settings.BASE_URL = f"http://{host}:{self.options.port}"
            self.layout.base_url_file.parent.mkdir(parents=True, exist_ok=True)
            self.layout.base_url_file.write_text(settings.BASE_URL)

    # --- servers and database ------------------------------------------------------------------------------------

    def _start_servers(self, stack: ExitStack) -> None:
        if settings.DATABASE_IS_EMBEDDED:
            self.servers.append(EmbeddedPostgres(self.layout, say=self.say))
        if settings.REDIS_IS_EMBEDDED:
            self.servers.append(EmbeddedRedis(self.layout, say=self.say))
        for server in self.servers:
            self.say(f"Starting {server.name}.")
            stack.callback(server.stop)
            server.start()

    def _watch_servers(self) -> None:
        """Start a server again that ended by itself: PostgreSQL recovers what was committed, Redis reads its log."""
        for server in self.servers:
            if server.process is None or (code := server.process.poll()) is None:
                continue
            self.say(f"{server.name} ended {describe_exit(code)}; starting it again.")
            try:
                server.start()
            except StartError as error:
                self.say(f"{error} Trying again.")
                time.sleep(_SERVER_PAUSE)

    def _prepare_database(self) -> _Welcome:
        """Bring the schema up to date and make what a first start needs: staff user, service, schedules, partitions."""
        from events.models import IngestKey, KeyKind, Service
        from events.onboarding import create_service, dsn, snippets

        call_command("migrate", interactive=False, verbosity=0)
        seed_schedules()
        call_command("makepartitions", verbosity=0)
        welcome = _Welcome(password=self._create_staff_user())
        if not Service.objects.exists():
            service, keys = create_service(name="My first service")
            welcome.service = snippets(service, keys)
        self._make_first_channels()
        key = (
            IngestKey.objects.filter(kind=KeyKind.PUBLIC, revoked_at=None)
            .select_related("service")
            .order_by("id")
            .first()
        )
        if key is not None:
            welcome.public_dsn = dsn(key.service, key.visible)
        connection.close()
        return welcome

    def _make_first_channels(self) -> None:
        """Where alerts go, when the environment says so. Raises StartError that names the variable to mend."""
        from alerts.channels.first_channels import make_first_channels
        from alerts.channels.outcome import SettingsError

        try:
            made = make_first_channels(
                email=settings.FIRST_ALERT_EMAIL, slack_webhook_url=settings.FIRST_SLACK_WEBHOOK_URL
            )
        except SettingsError as error:
            variable = "LIFTMON_ALERT_EMAIL" if error.field == "to" else "LIFTMON_SLACK_WEBHOOK_URL"
            raise StartError(f"{variable} cannot be used: {error}") from None
        for name in made:
            self.say(f"Alerts go to the new channel {name}; send it a test from its page in the admin.")

    def _create_staff_user(self) -> str:
        """The first staff user; answers the password if it was made up here, to be shown once."""
        users = get_user_model().objects
        if users.filter(is_staff=True).exists():
            return ""
        given = os.environ.get("LIFTMON_ADMIN_PASSWORD", "")
        password = given or secrets.token_urlsafe(12)
        users.create_superuser("admin", "", password)
        return "" if given else password

    # --- processes -----------------------------------------------------------------------------------------------

    def _start_processes(self) -> None:
        self.say("Starting web, worker and beat.")
        options = self.options
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "liftmon"]
        web = [sys.executable, "-m", "granian", "--interface", "rsgi", "liftmon.rsgi:application"]
        web += ["--host", options.host, "--port", str(options.port), "--workers", str(options.workers)]
        # Slow clients wait on the event loop and cost no thread: let many in.
        web += ["--backlog", "2048", "--backpressure", "2048", "--http1-header-read-timeout", "10000"]
        web += ["--no-ws", "--respawn-failed-workers", "--log-level", "error"]
        web += ["--workers-kill-timeout", "8s"]
        worker = [
            *celery,
            "worker",
            "--loglevel",
            "WARNING",
            "--concurrency",
            "2",
            "--without-gossip",
            "--without-mingle",
        ]
        self.supervisor.start(Child("beat", [*celery, "beat", "--loglevel", "WARNING"], self._environment()))
        self.supervisor.start(Child("worker", worker, self._environment(), stop_seconds=15))
        # Counters begin anew with the processes that count.
        shutil.rmtree(self.layout.metrics_dir, ignore_errors=True)
        shared = {"PROMETHEUS_MULTIPROC_DIR": str(self.layout.metrics_dir)}
        self.supervisor.start(Child("web", web, self._environment() | shared))

    def _environment(self) -> dict[str, str]:
        name, _, value = self._marker().partition("=")
        return {**os.environ, name: value, "LIFTMON_BASE_URL": settings.BASE_URL, "PYTHONUNBUFFERED": "1"}

    def _stop_processes(self) -> None:
        self.say("Stopping.")
        self.supervisor.stop()

    def _wait_until_ready(self) -> str:
        """Wait until /readyz says so, we are told to stop, or it takes too long; answer what is missing then."""
        deadline = time.monotonic() + _READY_SECONDS
        culprits = "web"
        while time.monotonic() < deadline and not self.is_stopping:
            try:
                with urllib.request.urlopen(f"{self._local_url()}/readyz", timeout=5):  # noqa: S310
                    return ""
            except urllib.error.HTTPError as error:
                culprits = ", ".join(json.load(error).get("culprits", []))
            except (OSError, ValueError):
                pass
            self.supervisor.watch()
            time.sleep(0.1)
        return culprits

    def _local_url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.options.host, self.options.host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.options.port}"

    def _start_demo(self) -> None:
        if self.options.with_demo and not self.is_stopping:
            argv = [sys.executable, str(settings.BASE_DIR / "manage.py"), "seeddemo", "--trickle", "--rate", "0.2"]
            self.supervisor.start(Child("demo", argv, self._environment()))

    # --- the banner ----------------------------------------------------------------------------------------------

    def _print_banner(self, welcome: _Welcome, culprits: str) -> None:
        headline = (
            f"Liftmon runs, but is not ready: {culprits}. See the log above." if culprits else "Liftmon is ready."
        )
        lines = ["", headline, "", f"  Admin       {settings.BASE_URL}/admin/"]
        if welcome.password:
            lines += ["  Login       admin", f"  Password    {welcome.password}   (shown once: keep it)"]
        else:
            lines += ["  Login       admin, with the password that you have"]
        lines += [f"  Ingest URL  {settings.BASE_URL}/api/analytics/track"]
        if welcome.public_dsn:
            lines += [f"  DSN         {welcome.public_dsn}"]
        if welcome.service:
            lines += [f"  Secret key  {welcome.service['secret_key']}   (shown once: keep it)"]
            lines += ["", "  Send your first event:", "", f"  {welcome.service['curl']}"]
        else:
            lines += ["", "  For another service and its keys: manage.py createservice NAME"]
        lines += ["", "  Ctrl-C stops everything.", ""]
        for line in lines:
            self.supervisor.print_line("liftmon", line)
