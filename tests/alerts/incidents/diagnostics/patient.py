"""A PostgreSQL of its own for tests, as a product would have one: few connections, a role that reads, and one that works."""

from collections.abc import Iterator
from contextlib import ExitStack
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

    def rest(self) -> None:
        """Close what the product opened."""
        for one in self._open:
            one.close()
        self._open.clear()


def patients(folder: Path) -> Iterator[Patient]:
    port = free_port()
    settings = {
        "listen_addresses": "127.0.0.1", "port": str(port), "max_connections": str(MOST), "shared_buffers": "16MB",
        "reserved_connections": "2", "superuser_reserved_connections": "3", "fsync": "off",
    }  # fmt: skip
    with ExitStack() as stack:
        # The server's own tools reach it by its socket, whose name has the port in it.
        postgres = _OnPort(DataLayout(folder), say=lambda _text: None, extra_settings=settings)
        stack.callback(postgres.stop)
        postgres.start()
        patient = Patient(port)
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
