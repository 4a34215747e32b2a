from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
from django.db import OperationalError
from django.test import Client

from liftmon import health, heartbeats, tasks

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _everybody_lives() -> None:
    for who in ("worker", "beat"):
        heartbeats.stamp(who)


def ready() -> tuple[int, Any]:
    response = Client().get("/readyz")
    return response.status_code, response.json()


def test_it_is_ready_when_everything_works() -> None:
    assert ready() == (
        200,
        {
            "status": "ready",
            "culprits": [],
            "checks": {"postgresql": "ok", "redis": "ok", "worker": "ok", "beat": "ok"},
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

    assert (code, body["culprits"]) == (503, ["postgresql"])
    assert "hunter2" not in str(body)


def test_the_task_stamps_the_worker() -> None:
    heartbeats.client().delete(heartbeats._KEYS["worker"])

    tasks.heartbeat()

    age = heartbeats.age_of("worker", connection=heartbeats.client(), now=datetime.now(UTC))
    assert age is not None
    assert age < timedelta(seconds=10)


def test_the_process_answers_without_asking_anybody(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/healthz").json() == {"status": "ok"}
