"""PostgreSQL or Redis is away while clients send: they are told yes, and it is true."""

import http.client
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from liftmon.embedded.layout import DataLayout
from liftmon.embedded.postgres import EmbeddedPostgres
from tests.journeys.running import RunningLiftmon, migrated

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


class Server:
    """A PostgreSQL of our own beside `up`, so that the test decides when it is away."""

    def __init__(self, folder: Path) -> None:
        self.layout = DataLayout(folder)
        self.postgres = EmbeddedPostgres(self.layout, say=print, extra_settings={"max_connections": "40"})
        self.postgres.start()

    def execute(self, *statements: str) -> None:
        with self.connect() as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def connect(self) -> psycopg.Connection[Any]:
        socket = str(self.layout.socket_dir("postgres"))
        return psycopg.connect(host=socket, user="liftmon", dbname="liftmon", autocommit=True)

    def query(self, question: str) -> Any:
        with self.connect() as connection:
            return connection.execute(question).fetchall()  # type: ignore[call-overload]


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    server.postgres.stop()
    try:
        yield
    finally:
        server.postgres.start()


@contextmanager
def read_only(server: Server) -> Iterator[None]:
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'liftmon'"
    )
    server.execute("ALTER DATABASE liftmon SET default_transaction_read_only = on", others)
    try:
        yield
    finally:
        server.execute(
            "SET default_transaction_read_only = off", "ALTER DATABASE liftmon RESET default_transaction_read_only"
        )
        server.execute("SET default_transaction_read_only = off", others)


@contextmanager
def disk_full(server: Server) -> Iterator[None]:
    """What PostgreSQL says when it cannot extend a file."""
    server.execute(
        "CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$",
        "CREATE TRIGGER no_space BEFORE INSERT ON events_event FOR EACH ROW EXECUTE FUNCTION no_space()",
    )
    try:
        yield
    finally:
        # The trigger first: it waits at the table above its partitions, where all come by, and so for nobody who waits for it.
        server.execute("DROP TRIGGER no_space ON events_event", "DROP FUNCTION no_space")


@contextmanager
def out_of_connections(server: Server) -> Iterator[None]:
    """Everybody is thrown out, and others take every place."""
    held = [server.connect()]
    try:
        # Whoever came back before all places were taken is thrown out again, and its place taken.
        deadline = time.monotonic() + 60
        while _terminate_others(held) or len(held) == 1:
            assert time.monotonic() < deadline, "somebody always comes back"
            for _ in range(60):
                try:
                    held.append(server.connect())
                except psycopg.OperationalError:
                    break
        yield
    finally:
        for connection in held:
            connection.close()


def _terminate_others(held: list[psycopg.Connection[Any]]) -> int:
    """How many there were."""
    ours = [one.info.backend_pid for one in held]
    found = held[0].execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> ALL (%s) AND datname = 'liftmon'",
        [ours],
    )
    return len(found.fetchall())


class Client:
    """Sends one kind of event, so that all of it is one issue."""

    def __init__(self, running: RunningLiftmon, key: str, event: str = "api_timeout") -> None:
        self.running = running
        self.key = key
        self.event = event

    def send(self, number: int, **fields: object) -> int:
        body = json.dumps(
            {"event": self.event, "message": "gave up", "user_id": f"u{number}", "data": {"n": number}, **fields}
        )
        with closing(http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=30)) as connection:
            connection.request("POST", "/api/analytics/track", body, {"X-Ingest-Key": self.key})
            return connection.getresponse().status


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(migrated(tmp_path_factory.mktemp("pg")))
    yield made
    made.postgres.stop()


@pytest.fixture(scope="module")
def running(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLiftmon]:
    up = RunningLiftmon(tmp_path_factory.mktemp("liftmon"), DATABASE_URL=server.layout.database_url)
    yield up.wait_until_ready()
    up.stop()


@pytest.fixture(scope="module")
def key(running: RunningLiftmon) -> str:
    return running.told("Secret key")


def stored(server: Server, running: RunningLiftmon) -> int:
    """All events that were accepted so far: what an earlier test left in the spool is waited for."""
    running.wait_until_drained()
    ((count,),) = server.query("SELECT count(*) FROM events_event")
    return int(count)


@pytest.mark.parametrize(
    ("away", "event"),
    [
        (stopped, "api_error"),
        (read_only, "client_error"),
        (disk_full, "db_pool_error"),
        (out_of_connections, "stripe_checkout_error"),
    ],
)
def test_events_are_accepted_and_stored_when_postgresql_is_back(
    server: Server, running: RunningLiftmon, key: str, away: Callable[[Server], Any], event: str
) -> None:
    client = Client(running, key, event)
    before = stored(server, running)
    assert [client.send(number) for number in range(5)] == [200] * 5

    with away(server):
        assert [client.send(number) for number in range(20)] == [200] * 20
        assert list(running.layout.spool_dir.glob("*.spool"))

    assert stored(server, running) == before + 25
    assert server.query("SELECT sum(event_count) FROM events_eventrollup") == [(before + 25,)]
    assert server.query(f"SELECT event_count, user_count FROM events_issue WHERE name = '{event}'") == [(25, 20)]
    assert client.send(1) == 200


def test_a_web_process_that_starts_meanwhile_knows_the_keys(server: Server, running: RunningLiftmon, key: str) -> None:
    client = Client(running, key)
    before = stored(server, running)
    with stopped(server):
        for pid, command in running.processes():
            if "granian" in command:
                with suppress(ProcessLookupError):  # it ended with its parent
                    os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        while True:
            try:
                # With an id: an attempt that was cut off may have been kept all the same.
                assert client.send(1, event_id="6f1d3c1e-6a0e-4c5b-8a4e-0a1b2c3d4e5f") == 200
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
        assert Client(running, "0" * 32).send(1) == 503  # nobody can say that this key is wrong
    assert stored(server, running) == before + 1


def test_ingest_goes_on_while_redis_hangs(server: Server, running: RunningLiftmon, key: str) -> None:
    client = Client(running, key)
    stored(server, running)
    (redis,) = [pid for pid, command in running.processes() if "valkey-server" in command or "redis-server" in command]
    os.kill(redis, signal.SIGSTOP)
    try:
        for number in range(40):
            started = time.monotonic()
            assert client.send(number) == 200
            assert time.monotonic() - started < 5
    finally:
        os.kill(redis, signal.SIGCONT)
