"""Signs of life of the worker and of Beat, in Redis: each stamps its own, so that the one that stopped can be named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import redis
import structlog
from celery.signals import beat_init, before_task_publish, worker_ready
from django.conf import settings

logger = structlog.get_logger(__name__)
TASK_NAME = "liftmon.tasks.heartbeat"
# Three missed beats (liftmon/beat.py sends one every 10 s) and some slack.
STALE_AFTER = timedelta(seconds=45)
_KEYS = {"worker": "liftmon:heartbeat:worker", "beat": "liftmon:heartbeat:beat"}


def client() -> redis.Redis:
    """A connection that gives up within two seconds."""
    made: redis.Redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    return made


def stamp(who: str) -> None:
    """Note that ``who`` ("worker" or "beat") lives. Never raises: a heart that cannot report is stale soon enough."""
    try:
        client().set(_KEYS[who], datetime.now(UTC).isoformat())
    except redis.RedisError as error:
        logger.warning("heartbeat_not_stamped", who=who, reason=str(error))


def age_of(who: str, *, connection: redis.Redis, now: datetime) -> timedelta | None:
    """How long ago ``who`` stamped, or None if never. Raises redis.RedisError."""
    value: Any = connection.get(_KEYS[who])
    return now - datetime.fromisoformat(value.decode()) if value else None


@beat_init.connect
def _beat_started(**_: object) -> None:
    stamp("beat")


@worker_ready.connect
def _worker_started(**_: object) -> None:
    stamp("worker")


@before_task_publish.connect(sender=TASK_NAME)
def _beat_sent(**_: object) -> None:
    """Only Beat publishes this task, so this runs in Beat."""
    stamp("beat")
