"""A PostgreSQL of its own for tests, as a product would have one: few connections, a role that reads, and one that works."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from liftmon.embedded.layout import DataLayout
from liftmon.embedded.postgres import EmbeddedPostgres
from tests.journeys.running import free_port

MOST = 24


@dataclass
class Patient:
    """``app`` opens connections of the product; ``reader`` is the address for Liftmon."""

    port: int
    folder: Path
    _open: list[psycopg.Connection[Any]] = field(default_factory=list)

    @property
    def reader(self) -> str:
        return f"postgresql://reader@127.0.0.1:{self.port}/liftmon"

    def app(self, **more: Any) -> psycopg.Connection[Any]:
        parameters = {"application_name": "lift-web", "autocommit": True} | more
        one = psycopg.connect(host="127.0.0.1", port=self.port, user="lift", dbname="liftmon", **parameters)
        self._open.append(one)
        return one

    def owner(self, statement: str) -> None:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user="liftmon", dbname="liftmon", autocommit=True
        ) as connection:
            connection.execute(statement)
            pid = connection.info.backend_pid
        _until_gone(pid)

    @contextmanager
    def asking_for_passwords(self) -> Iterator[None]:
        file = self.folder / "postgres" / "pg_hba.conf"
        before = file.read_text()
        file.write_text(f"host all lift 127.0.0.1/32 scram-sha-256\n{before}")
        self.owner("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            file.write_text(before)
            self.owner("SELECT pg_reload_conf()")

    def rest(self) -> None:
        """Close what the product opened."""
        pids = [one.info.backend_pid for one in self._open if not one.closed]
        for one in self._open:
            one.close()
        self._open.clear()
        for pid in pids:
            _until_gone(pid)


def _until_gone(pid: int) -> None:
    """Whoever counts connections must not count those that are being closed."""
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.005)


def patients(folder: Path) -> Iterator[Patient]:
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1", "port": str(port), "max_connections": str(MOST), "shared_buffers": "16MB",
        "reserved_connections": "2", "superuser_reserved_connections": "3", "fsync": "off",
        "max_prepared_transactions": "2",
    }  # fmt: skip
    with ExitStack() as stack:
        # The server's own tools reach it by its socket, whose name has the port in it.
        postgres = _OnPort(DataLayout(folder), say=lambda _text: None, extra_settings=settings)
        stack.callback(postgres.stop)
        postgres.start()
        patient = Patient(port, folder)
        stack.callback(patient.rest)
        for statement in (
            "CREATE ROLE reader LOGIN",
            "GRANT pg_read_all_stats, pg_signal_backend, pg_use_reserved_connections TO reader",
            "CREATE ROLE lift LOGIN",
            "GRANT CREATE ON SCHEMA public TO lift",
            "CREATE TABLE payments (id int PRIMARY KEY, amount int, customer text)",
            "GRANT ALL ON payments TO lift",
            "INSERT INTO payments SELECT n, n, 'ada' FROM generate_series(1, 100) AS n",
        ):
            patient.owner(statement)
        yield patient


class _OnPort(EmbeddedPostgres):
    def _connect(self, database: str) -> psycopg.Connection[Any]:
        sockets = str(self.layout.socket_dir("postgres"))
        return psycopg.connect(
            host=sockets, port=int(self.settings["port"]), user="liftmon", dbname=database, autocommit=True,
            connect_timeout=5,
        )  # fmt: skip
