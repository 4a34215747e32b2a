import os
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import OperationalError
from django.test import Client

from events.ingest.storing import spool
from liftmon import health, heartbeats, tasks
from liftmon.embedded.layout import DataLayout

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _everybody_lives() -> None:
    for who in ("worker", "beat"):
        heartbeats.stamp(who)


@pytest.fixture(autouse=True)
def _own_spool(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.LAYOUT = DataLayout(tmp_path)
    spool.cache_clear()
    yield
    spool.cache_clear()


def ready() -> tuple[int, Any]:
    response = Client().get("/readyz")
    return response.status_code, response.json()


def test_it_is_ready_when_everything_works() -> None:
    assert ready() == (
        200,
        {
            "status": "ready",
            "culprits": [],
            "checks": {"postgresql": "ok", "redis": "ok", "worker": "ok", "beat": "ok", "spool": "ok", "digests": "ok"},
        },
    )


@pytest.mark.parametrize("who", ["worker", "beat"])
def test_a_heart_that_stopped_is_named(who: str) -> None:
    late = datetime.now(UTC) - timedelta(minutes=5)
    heartbeats.client().set(heartbeats._KEYS[who], late.isoformat())

    code, body = ready()

    assert (code, body["culprits"]) == (503, [who])
    assert "restart its process" in body["checks"][who]


def test_a_heart_that_never_beat_is_named() -> None:
    heartbeats.client().delete(heartbeats._KEYS["beat"])

    assert ready()[1]["culprits"] == ["beat"]


def test_redis_away_is_named_and_nothing_is_claimed_of_those_who_report_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> redis.Redis:
        raise redis.ConnectionError("refused")

    monkeypatch.setattr(heartbeats, "client", away)

    code, body = ready()

    assert (code, body["culprits"]) == (503, ["redis", "worker", "beat"])
    assert "REDIS_URL" in body["checks"]["redis"]
    assert body["checks"]["worker"].startswith("unknown")


def test_postgresql_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Away:
        def cursor(self) -> Any:
            raise OperationalError("refused with password=hunter2")

    monkeypatch.setattr(health, "connection", Away())

    code, body = ready()

    assert (code, body["culprits"]) == (503, ["postgresql", "digests"])
    assert "hunter2" not in str(body)


def wait_in_spool(*, size: int, seconds: float) -> None:
    """Put one record of that size on disk, header included, as if so long ago."""
    spool().append([b"x" * (size - 12)])
    at = time.time() - seconds
    os.utime(spool().segments()[0], (at, at))


def test_what_waits_for_a_moment_is_told_and_does_not_matter() -> None:
    wait_in_spool(size=12_345, seconds=40)

    code, body = ready()

    assert (code, body["culprits"]) == (200, [])
    told = "12.3 kB wait since 4. s; they are stored as soon as PostgreSQL is back"
    assert re.fullmatch(told, body["checks"]["spool"])


def test_what_waits_for_long_is_a_culprit() -> None:
    wait_in_spool(size=100, seconds=61)

    code, body = ready()

    assert (code, body["culprits"]) == (503, ["spool"])
    assert body["checks"]["spool"].startswith("100 bytes wait since 61 s; they should be stored by now")


@pytest.mark.parametrize(("most", "culprits"), [(1_000, ["spool"]), (1_250, [])])
def test_a_spool_nearly_full_is_a_culprit_however_young(settings: Any, most: int, culprits: list[str]) -> None:
    wait_in_spool(size=1_000, seconds=1)
    settings.SPOOL_MAX_BYTES = most

    _, body = ready()

    assert body["culprits"] == culprits
    assert ("100 % of it" in body["checks"]["spool"]) is bool(culprits)


def test_a_spool_that_cannot_be_read_is_named(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file is in the way")

    code, body = ready()

    assert (code, body["culprits"]) == (503, ["spool"])
    assert str(tmp_path / "spool") in body["checks"]["spool"]


def test_the_task_stamps_the_worker() -> None:
    heartbeats.client().delete(heartbeats._KEYS["worker"])

    tasks.heartbeat()

    age = heartbeats.age_of("worker", connection=heartbeats.client(), now=datetime.now(UTC))
    assert age is not None
    assert age < timedelta(seconds=10)


def test_the_process_answers_without_asking_anybody(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/healthz").json() == {"status": "ok"}
