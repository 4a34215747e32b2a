"""`/healthz`: this process answers. `/readyz`: everything that Liftmon needs works, or which part does not."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboards.digests.due import overdue
from events.ingest.storing import spool
from liftmon import heartbeats

_OK = "ok"
# What waits in the spool is no trouble before it has waited so long, or fills so much of it.
_SPOOL_OLD_SECONDS = 60
_SPOOL_FULL_PERCENT = 80


# Those without which nothing is told that is due by the clock.
PERIODIC = ("worker", "beat", "digests")


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": _OK})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 with every check fine, or 503 with the culprits named and what to do."""
    findings = examine()
    culprits = [name for name, finding in findings.items() if not finding.is_fine]
    body = {
        "status": "ready" if not culprits else "not ready",
        "culprits": culprits,
        "checks": {name: finding.words for name, finding in findings.items()},
    }
    return JsonResponse(body, status=503 if culprits else 200)


@dataclass(frozen=True, slots=True)
class Finding:
    """What is so, in words, and whether all is well with that."""

    words: str
    is_fine: bool


FINE = Finding(_OK, is_fine=True)


def examine() -> dict[str, Finding]:
    """Look at everything that Liftmon needs. Never raises; takes some seconds at worst."""
    findings = {"postgresql": _check_postgresql(), "redis": _check_redis()}
    for who in ("worker", "beat"):
        findings[who] = (
            _check_heartbeat(who) if findings["redis"] is FINE else _bad("unknown: it reports through Redis")
        )
    findings["spool"] = _check_spool()
    findings["digests"] = (
        _check_digests() if findings["postgresql"] is FINE else _bad("unknown: they are kept in PostgreSQL")
    )
    return findings


def _bad(words: str) -> Finding:
    return Finding(words, is_fine=False)


def _check_postgresql() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '2s'; SELECT pg_is_in_recovery(); RESET statement_timeout")
            cursor.nextset()
            (is_replica,) = cursor.fetchone()
    except (DatabaseError, InterfaceError):
        return _bad("cannot be reached: is it running, and is DATABASE_URL right?")
    return _bad("is read-only (a replica): point DATABASE_URL at the primary") if is_replica else FINE


def _check_redis() -> Finding:
    return _ask_redis(lambda client: FINE if client.ping() else _bad("does not answer"))


def _check_heartbeat(who: str) -> Finding:
    def check(client: redis.Redis) -> Finding:
        age = heartbeats.age_of(who, connection=client, now=datetime.now(UTC))
        if age is None:
            return _bad("has not reported yet: is its process running?")
        if age > heartbeats.STALE_AFTER:
            return _bad(f"last reported {age.total_seconds():.0f} s ago: restart its process")
        return FINE

    return _ask_redis(check)


def _check_digests() -> Finding:
    """That each reader has what was due."""
    try:
        late = overdue(now=datetime.now(UTC))
    except (DatabaseError, InterfaceError):
        return _bad("unknown: PostgreSQL does not answer")
    if late is None:
        return FINE
    if late.count:
        since = f" since {late.since:%Y-%m-%d %H:%M} UTC" if late.since else ""
        number = "1 is overdue" if late.count == 1 else f"{late.count:,} are overdue"
        return _bad(
            f"{number}{since}: do Beat and the worker run, is the periodic task “Send digests” on, and what does the log say?"
        )
    number = "1 waits" if late.stuck == 1 else f"{late.stuck:,} wait"
    return _bad(f"{number} to be sent for over an hour: is the mail server up, and is LIFTMON_EMAIL_URL right?")


def _ask_redis(question: Callable[[redis.Redis], Finding]) -> Finding:
    try:
        return question(heartbeats.client())
    except redis.RedisError:
        return _bad("cannot be reached: is it running, and is REDIS_URL right?")


def _check_spool() -> Finding:
    """What waits there is safe; but a spool that does not drain, or is nearly full, wants somebody."""
    now = time.time()
    try:
        depth = spool().depth()
    except OSError as error:
        return _bad(f"cannot be read ({error.strerror}): may this process read {spool().folder}?")
    if not depth.bytes:
        return FINE
    waits = depth.in_words(now=now)
    percent = 100 * depth.bytes / settings.SPOOL_MAX_BYTES
    if percent > _SPOOL_FULL_PERCENT:
        return _bad(
            f"{waits} and fill {percent:.0f} % of it; full, events are refused: is PostgreSQL up? "
            "LIFTMON_SPOOL_MAX_BYTES may be raised"
        )
    if depth.age_seconds(now=now) > _SPOOL_OLD_SECONDS:
        return _bad(f"{waits}; they should be stored by now: is PostgreSQL up, and what does the log say?")
    return Finding(f"{waits}; they are stored as soon as PostgreSQL is back", is_fine=True)
