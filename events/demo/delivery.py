"""Sending documents through the front door: real HTTP POSTs to ``/api/analytics/track`` with a real key."""

import gzip
import http.client
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self
from urllib.parse import urlsplit

import orjson

from events.demo.documents import Document, Sent, Source

BATCH: Final = 1_000
_INGEST_PATH: Final = "/api/analytics/track"
_TIMEOUT_SECONDS: Final = 60
# Servers close a connection on which nothing is said for ten seconds: one that was quiet for half as long is not used again.
_QUIET_SECONDS: Final = 5.0
# Enough to keep the server's two workers busy while the next batches are made; more would only wait.
_CONNECTIONS: Final = 4
# How long a load waits for a server that does not answer or asks for patience.
_PATIENCE_SECONDS: Final = 90.0
_LONGEST_PAUSE_SECONDS: Final = 30.0


class RefusedError(Exception):
    """The server will not take this, however often it is sent; the text says why."""


class TryAgainError(Exception):
    """The server is away or busy; ``after_seconds`` is what it asked for, if it did."""

    def __init__(self, reason: str, after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds


@dataclass(frozen=True, slots=True)
class Door:
    """Where to send and with which key. ``url`` may be the server's address or the whole ingest URL."""

    url: str
    key: str

    @property
    def ingest_url(self) -> str:
        url = self.url.rstrip("/")
        return url if url.endswith(_INGEST_PATH) else url + _INGEST_PATH


@dataclass(slots=True)
class Answer:
    """How many events the server took, and what it said of those it did not take."""

    accepted: int = 0
    rejected: list[str] = field(default_factory=list)


class Deliver(Protocol):
    """`deliver`, or what does something beside it."""

    def __call__(
        self, events: Iterable[Sent], doors: Mapping[Source, Door], *, advance: Callable[[int], object]
    ) -> Answer: ...


class Connection:
    """One connection to one door, kept open. Not for several threads at once."""

    def __init__(self, door: Door) -> None:
        parts = urlsplit(door.ingest_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RefusedError(f"{door.url!r} is not a http or https address.")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._http = kind(parts.hostname, parts.port, timeout=_TIMEOUT_SECONDS)
        self._used_at = time.monotonic()
        self._path = parts.path
        self._door = door
        self._headers = {
            "Authorization": f"Bearer {door.key}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "User-Agent": "liftmon-demo",
        }

    def post(self, documents: Sequence[Document]) -> Answer:
        """Send one batch once. Raises TryAgainError when that may help and RefusedError when it cannot."""
        body = gzip.compress(orjson.dumps(documents), compresslevel=1)
        if time.monotonic() - self._used_at > _QUIET_SECONDS:
            self._http.close()  # the request opens a new one
        self._used_at = time.monotonic()
        try:
            self._http.request("POST", self._path, body, self._headers)
            response = self._http.getresponse()
            status, said = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            self._http.close()  # the next request opens a new one
            raise TryAgainError(f"{self._door.ingest_url} does not answer ({_told(error)})") from None
        if status == 200:
            return _answer(said, len(documents))
        problem = f"{self._door.ingest_url} answered {status}: {_detail(said)}"
        if status in (408, 425, 429) or status >= 500:
            raise TryAgainError(problem, _seconds(response.headers.get("Retry-After")))
        raise RefusedError(problem)

    def post_patiently(self, documents: Sequence[Document]) -> Answer:
        """Send one batch until it is taken. Raises RefusedError when the server's time is up or it says no."""
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        for attempt in range(1_000):
            try:
                return self.post(documents)
            except TryAgainError as error:
                pause = pause_seconds(error, attempt)
                if time.monotonic() + pause > give_up_at:
                    raise RefusedError(f"Gave up after {_PATIENCE_SECONDS:.0f} s: {error}") from None
            time.sleep(pause)
        raise AssertionError("time runs out first")

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def pause_seconds(error: TryAgainError, attempt: int) -> float:
    """How long to wait before attempt ``attempt + 1``: what the server asked for, else twice as long every time."""
    asked = error.after_seconds
    return min(_LONGEST_PAUSE_SECONDS, 0.25 * 2.0 ** min(attempt, 10) if asked is None else max(asked, 0.05))


def deliver(events: Iterable[Sent], doors: Mapping[Source, Door], *, advance: Callable[[int], object]) -> Answer:
    """Send all events in batches over a few connections at once and wait for the last answer.

    ``advance`` is told after each answer how many events it was about. Raises RefusedError at the first batch that is
    not taken; what was answered before stays stored.
    """
    total = Answer()
    idle: dict[Door, list[Connection]] = {door: [] for door in doors.values()}

    def send(door: Door, batch: list[Document]) -> tuple[Answer, int]:
        connection = idle[door].pop() if idle[door] else Connection(door)
        try:
            return connection.post_patiently(batch), len(batch)
        finally:
            idle[door].append(connection)

    def settle(done: Iterable[Future[tuple[Answer, int]]]) -> None:
        for future in done:
            answer, size = future.result()
            total.accepted += answer.accepted
            total.rejected += answer.rejected
            advance(size)

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        waiting: set[Future[tuple[Answer, int]]] = set()
        try:
            for door, batch in _batches(events, doors):
                waiting.add(pool.submit(send, door, batch))
                if len(waiting) > _CONNECTIONS:  # one more than can be sent, so that no connection waits for us
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    settle(done)
            settle(wait(waiting).done)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            for connection in (one for kept in idle.values() for one in kept):
                connection.close()
    return total


def _batches(events: Iterable[Sent], doors: Mapping[Source, Door]) -> Iterator[tuple[Door, list[Document]]]:
    """Full batches per door, in order of time, and what is left over at the end."""
    open_batches: dict[Door, list[Document]] = {door: [] for door in doors.values()}
    for event in events:
        door = doors[event.source]
        batch = open_batches[door]
        batch.append(event.document)
        if len(batch) == BATCH:
            open_batches[door] = []
            yield door, batch
    yield from ((door, batch) for door, batch in open_batches.items() if batch)


def _answer(body: bytes, size: int) -> Answer:
    try:
        said: Any = orjson.loads(body)
        rejected = [f"{one['code']}: {one['detail']}" for one in said["rejected"]]
        return Answer(int(said["accepted"]), rejected)
    except (ValueError, KeyError, TypeError):
        raise RefusedError("The answer is not Liftmon's. Is the address right?") from None


def _detail(body: bytes) -> str:
    """What a problem document says; of anything else the beginning."""
    try:
        problem: Any = orjson.loads(body)
        return str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace").strip() or "nothing"


def _told(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is left to our own pauses."""
    return float(text) if text and text.isascii() and text.isdigit() else None
