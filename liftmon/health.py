"""`/healthz`: this process answers. `/readyz`: everything that Liftmon needs works, or which part does not."""

from collections.abc import Callable
from datetime import UTC, datetime

import redis
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from liftmon import heartbeats

_OK = "ok"


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": _OK})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 with every check "ok", or 503 with the culprits named and what to do."""
    checks = {"postgresql": _check_postgresql(), "redis": _check_redis()}
    for who in ("worker", "beat"):
        checks[who] = _check_heartbeat(who) if checks["redis"] == _OK else "unknown: it reports through Redis"
    culprits = [name for name, result in checks.items() if result != _OK]
    body = {"status": "ready" if not culprits else "not ready", "culprits": culprits, "checks": checks}
    return JsonResponse(body, status=503 if culprits else 200)


def _check_postgresql() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '2s'; SELECT pg_is_in_recovery(); RESET statement_timeout")
            cursor.nextset()
            (is_replica,) = cursor.fetchone()
    except (DatabaseError, InterfaceError):
        return "cannot be reached: is it running, and is DATABASE_URL right?"
    return "is read-only (a replica): point DATABASE_URL at the primary" if is_replica else _OK


def _check_redis() -> str:
    return _ask_redis(lambda client: _OK if client.ping() else "does not answer")


def _check_heartbeat(who: str) -> str:
    def check(client: redis.Redis) -> str:
        age = heartbeats.age_of(who, connection=client, now=datetime.now(UTC))
        if age is None:
            return "has not reported yet: is its process running?"
        if age > heartbeats.STALE_AFTER:
            return f"last reported {age.total_seconds():.0f} s ago: restart its process"
        return _OK

    return _ask_redis(check)


def _ask_redis(question: Callable[[redis.Redis], str]) -> str:
    try:
        return question(heartbeats.client())
    except redis.RedisError:
        return "cannot be reached: is it running, and is REDIS_URL right?"
