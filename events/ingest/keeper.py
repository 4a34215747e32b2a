"""The thread of a web process that keeps it current: what ingest must know, rate limits, and replaying the spool."""

import threading
import time
from functools import lru_cache

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from events.ingest.known import known
from events.ingest.limits import limiter
from events.ingest.storing import database, replay, spool

logger = structlog.get_logger(__name__)
_EVERY_SECONDS = 0.25
_thread: threading.Thread | None = None


@lru_cache(maxsize=1)
def redis_client() -> redis.Redis:
    """A pool of connections that give up soon: the keeper has other things to do."""
    made: redis.Redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    return made


def keep() -> None:
    """Start the thread, once a process."""
    global _thread
    if _thread is None:
        known.keeps_itself = True
        known.refresh()
        _thread = threading.Thread(target=_run, name="keeper", daemon=True)
        _thread.start()


def _run() -> None:
    refreshed_at = time.monotonic()
    while True:
        time.sleep(_EVERY_SECONDS)
        try:
            limiter.share(redis_client, now=time.time())
            if spool().segments():
                replay()
            if time.monotonic() - refreshed_at >= settings.INGEST_KNOWN_SECONDS or database.is_away():
                refreshed_at = time.monotonic()
                known.refresh()
        except (DatabaseError, InterfaceError, OSError) as error:
            logger.warning("keeper_interrupted", reason=str(error).strip())
        except Exception:
            logger.exception("keeper_failed")
        finally:
            if database.is_away():
                connection.close()
