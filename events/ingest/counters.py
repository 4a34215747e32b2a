"""What a process has counted of ingest since it started, for `/metrics`. Called once a group of requests, not once an event.

With PROMETHEUS_MULTIPROC_DIR set (`manage.py up` does) every process keeps its numbers in a file of that folder, so that any of
them can answer for all; without it each answers for itself.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import structlog

from events.ingest.types import RefusalCount

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# What prometheus-client makes its files as large as.
_FILE_BYTES = 1 << 16


def folder_of_all() -> str:
    """Where the processes keep their numbers together; "" when each answers for itself."""
    return os.environ.get(_FOLDER, "")


def _reserve() -> None:
    """Take the disk space of this process's files now: a page that a full disk cannot back would kill the process later."""
    folder = Path(os.environ[_FOLDER])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in ("counter", "histogram"):
            with (folder / f"{kind}_{os.getpid()}.db").open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, _FILE_BYTES)
    except OSError as error:
        structlog.get_logger(__name__).warning("metrics_not_shared", folder=str(folder), reason=error.strerror)
        del os.environ[_FOLDER]


# The library looks at the variable once, when it is imported.
if folder_of_all():
    _reserve()

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics  # noqa: E402

disable_created_metrics()  # type: ignore[no-untyped-call]
# Ours alone: the default registry of the library brings collectors that mean nothing with several processes.
REGISTRY = CollectorRegistry()

_EVENTS = Counter(
    "liftmon_events",
    "Events that were taken in, by what became of them; a repeat of an event counts again.",
    ["outcome"],
    registry=REGISTRY,
)
_STORED, _SPOOLED, _NOT_KEPT, _UNSTORABLE = (
    _EVENTS.labels(outcome) for outcome in ("stored", "spooled", "not_kept", "unstorable")
)
_REFUSED = Counter("liftmon_refused_events", "What was refused at the door, by reason.", ["code"], registry=REGISTRY)
_REPLAYED = Counter(
    "liftmon_replayed_requests", "Requests whose events waited in the spool and are stored now.", registry=REGISTRY
)
_GROUP_EVENTS = Histogram(
    "liftmon_group_events",
    "Events that shared one transaction.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
    registry=REGISTRY,
)
_TRANSACTION_SECONDS = Histogram(
    "liftmon_transaction_seconds",
    "Time that storing one group of requests took, until it was committed.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
    registry=REGISTRY,
)


def accepted(number: int) -> None:
    """So many events are committed."""
    if number:
        _STORED.inc(number)


def spooled(number: int) -> None:
    """So many events are on disk and wait for PostgreSQL."""
    if number:
        _SPOOLED.inc(number)


def not_kept(number: int) -> None:
    """So many events must be sent again."""
    if number:
        _NOT_KEPT.inc(number)


def unstorable(number: int) -> None:
    """So many events were refused by the database for their values."""
    if number:
        _UNSTORABLE.inc(number)


def refused(refusals: Iterable[RefusalCount]) -> None:
    """What was refused before it became an event."""
    for refusal in refusals:
        _REFUSED.labels(refusal.code).inc(refusal.times)


def group(size: int, seconds: float) -> None:
    """One transaction stored so many events in that time."""
    _GROUP_EVENTS.observe(size)
    _TRANSACTION_SECONDS.observe(seconds)


def replayed(requests: int) -> None:
    """What so many requests had brought went from the spool to the database."""
    _REPLAYED.inc(requests)
