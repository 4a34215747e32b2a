"""Bombs, slow clients and floods against the real server: nobody else notices, and memory stays flat."""

import gzip
import http.client
import json
import socket
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.journeys.running import RunningLiftmon, migrated

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]
MOST_RESIDENT = 300 * 1024 * 1024
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLiftmon]:
    up = RunningLiftmon(migrated(tmp_path_factory.mktemp("liftmon"))).wait_until_ready()
    yield up
    up.stop()


@pytest.fixture(scope="module")
def key(running: RunningLiftmon) -> str:
    return running.told("Secret key")


def post(running: RunningLiftmon, key: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=120)) as connection:
        connection.request("POST", "/api/analytics/track", body, {"X-Ingest-Key": key, **headers})
        response = connection.getresponse()
        return response.status, response.read()


def resident(running: RunningLiftmon) -> int:
    """Bytes of the largest web process."""
    return max(psutil.Process(pid).memory_info().rss for pid, command in running.processes() if "granian" in command)


class Watch:
    """The largest web process while something goes on, and how long a usual event takes meanwhile."""

    def __init__(self, running: RunningLiftmon, key: str) -> None:
        self.running, self.key = running, key
        self.most_resident = 0
        self.slowest = 0.0
        self.statuses: Counter[int] = Counter()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._is_over.is_set():
            started = time.monotonic()
            status, _ = post(self.running, self.key, b'{"event": "feature_used"}')
            self.slowest = max(self.slowest, time.monotonic() - started)
            self.statuses[status] += 1
            self.most_resident = max(self.most_resident, resident(self.running))
            time.sleep(0.05)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(60)


def gigabyte_bomb() -> bytes:
    """About a megabyte of gzip that unfolds to a gigabyte."""
    compressor = zlib.compressobj(9, wbits=31)
    spaces = b" " * MEGABYTE
    return b"".join(compressor.compress(spaces) for _ in range(1024)) + compressor.flush()


def test_bombs_are_stopped_while_they_unfold(running: RunningLiftmon, key: str) -> None:
    bomb = gigabyte_bomb()
    with Watch(running, key) as watch:
        answers = [post(running, key, bomb, **{"Content-Encoding": "gzip"})[0] for _ in range(4)]
        nested = post(running, key, gzip.compress(bomb), **{"Content-Encoding": "gzip, gzip"})[0]

    assert answers == [413] * 4
    assert nested == 413
    assert watch.most_resident < MOST_RESIDENT
    assert set(watch.statuses) == {200}


def chunked(running: RunningLiftmon, key: str, megabytes: int) -> int:
    """A body without a length, piece by piece, as far as the server takes it."""
    with socket.create_connection(("127.0.0.1", running.port), timeout=60) as connection:
        connection.sendall(
            f"POST /api/analytics/track HTTP/1.1\r\nHost: x\r\nX-Ingest-Key: {key}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        piece = b"%x\r\n%s\r\n" % (MEGABYTE, b" " * MEGABYTE)
        try:
            for _ in range(megabytes):
                connection.sendall(piece)
            connection.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # it hung up: the answer is there all the same
        return int(connection.makefile("rb").readline().split()[1])


def test_a_chunked_body_is_counted_as_it_arrives(running: RunningLiftmon, key: str) -> None:
    with Watch(running, key) as watch:
        assert chunked(running, key, 6) == 413

    assert watch.most_resident < MOST_RESIDENT


def test_a_hundred_slow_clients_stop_nobody_and_are_sent_away(running: RunningLiftmon, key: str) -> None:
    head = f"POST /api/analytics/track HTTP/1.1\r\nHost: x\r\nX-Ingest-Key: {key}\r\nContent-Length: 5000\r\n\r\n{{"
    slow = [socket.create_connection(("127.0.0.1", running.port), timeout=30) for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(head.encode())
        with Watch(running, key) as watch:
            answers = Counter(connection.makefile("rb").readline().split()[1] for connection in slow)
    finally:
        for connection in slow:
            connection.close()

    assert answers == {b"408": 100}
    assert watch.slowest < 4.5  # whoever had to wait for them would wait for the 5 s that they have
    assert watch.most_resident < MOST_RESIDENT
    assert sum(watch.statuses.values()) > 20
    rejections = running.query(
        "SELECT sum(rejection_count)::int FROM events_ingestrejection WHERE code = 'body_too_slow'"  # a row a day
    )
    assert rejections == [(100,)]


def test_headers_that_never_end_hold_nobody_up(running: RunningLiftmon, key: str) -> None:
    slow = [socket.create_connection(("127.0.0.1", running.port), timeout=30) for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(b"POST /api/analytics/track HTTP/1.1\r\nHost: x\r\nX-")
        assert post(running, key, b'{"event": "feature_used"}')[0] == 200
    finally:
        for connection in slow:
            connection.close()


def test_sixty_four_connections_of_large_batches_are_all_served(running: RunningLiftmon, key: str) -> None:
    event = {"event": "api_error", "level": "error", "message": "x" * 4_500, "data": {"n": list(range(40))}}
    body = json.dumps([event] * 1000).encode()
    assert 4.5 * MEGABYTE < len(body) < 5 * MEGABYTE
    answers: Counter[int] = Counter()
    accepted = []

    def send() -> None:
        status, content = post(running, key, body)
        answers[status] += 1
        accepted.append(json.loads(content)["accepted"])

    threads = [threading.Thread(target=send) for _ in range(64)]
    with Watch(running, key) as watch:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(240)

    assert answers == {200: 64}
    assert sum(accepted) == 64_000
    assert watch.most_resident < MOST_RESIDENT, f"{watch.most_resident:,} bytes"
    assert set(watch.statuses) == {200}


@pytest.mark.parametrize("path", ["/api/analytics/track", "/admin/login/", "/nowhere"])
@pytest.mark.parametrize(
    "head",
    [
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST {path}?key=%ff%fe&a=%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}",
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\nContent-Length: 2\r\n\r\n{{}}",
        "POST {path} HTTP/1.1\r\nHost: \xff\r\nContent-Length: 2\r\n\r\n{{}}",
        "POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "FROB {path} HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_strange_request_is_answered_below_500_or_hung_up_on(running: RunningLiftmon, head: str, path: str) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as connection:
        connection.sendall(head.format(path=path).encode("latin-1"))
        answer = connection.makefile("rb").readline()

    assert answer == b"" or int(answer.split()[1]) < 500


def test_every_body_of_the_corpus_is_answered_as_its_name_says(running: RunningLiftmon, key: str) -> None:
    bodies = sorted((Path(__file__).parents[1] / "corpus").glob("*.body"))
    answers = {path.name: post(running, key, path.read_bytes())[0] for path in bodies}

    assert answers == {path.name: int(path.name.split(".")[-2]) for path in bodies}


def test_the_log_holds_no_trace_of_a_failure(running: RunningLiftmon) -> None:
    assert "Traceback" not in running.log
