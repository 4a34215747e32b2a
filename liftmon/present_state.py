"""How everything is at this moment, as gauges: the spool, the servers and processes, and a few questions to the database."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from prometheus_client.core import GaugeMetricFamily

from events.ingest.storing import spool
from events.rollup_tables import FACTS
from liftmon import health, heartbeats

logger = structlog.get_logger(__name__)
_COMPONENTS = ("postgresql", "redis", "worker", "beat")
# Of one question, and of all together: Prometheus itself gives up after ten seconds.
_QUESTION_SECONDS = 2.0
_ALL_QUESTIONS_SECONDS = 5.0
_LEAST_SECONDS = 0.1
# Counting stops here: beyond it the number says enough.
_MOST_ROWS = 1_000_001
_QUEUE = "celery"

Rows = list[tuple[list[str], float]]


def present_state() -> Iterator[GaugeMetricFamily]:
    """Every gauge that can be told now. Never raises."""
    findings = health.examine()
    yield _gauge(
        "liftmon_component_up",
        "1 if this part of Liftmon works, else 0; /readyz says what is wrong with it.",
        [([name], float(findings[name].is_fine)) for name in _COMPONENTS],
        ["component"],
    )
    yield from _spool()
    if findings["redis"].is_fine:
        yield from _redis()
    unanswered = 0
    deadline = time.monotonic() + _ALL_QUESTIONS_SECONDS
    for name, text, labels, question in _QUESTIONS:
        rows = _answer(question, deadline=deadline) if _is_reachable(findings) else None
        if rows is None:
            unanswered += 1
        else:
            yield _gauge(name, text, rows, labels)
    yield _gauge(
        "liftmon_unanswered_questions",
        "Questions to the database that this answer lacks, because it is away or took too long.",
        [([], unanswered)],
    )


def _gauge(name: str, text: str, rows: Rows, labels: list[str] | None = None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels or [])
    for values, number in rows:
        family.add_metric(values, number)
    return family


# --- Disk and Redis ----------------------------------------------------------------------------------------------


def _spool() -> Iterator[GaugeMetricFamily]:
    try:
        depth, segments = spool().depth(), len(spool().segments())
    except OSError:
        return
    yield _gauge("liftmon_spool_bytes", "Bytes on disk that wait for PostgreSQL.", [([], depth.bytes)])
    yield _gauge("liftmon_spool_limit_bytes", "Bytes that may wait on disk.", [([], settings.SPOOL_MAX_BYTES)])
    yield _gauge("liftmon_spool_segments", "Files that the spool consists of.", [([], segments)])
    age = depth.age_seconds(now=time.time())
    yield _gauge("liftmon_spool_age_seconds", "How long the oldest of them has waited.", [([], age)])


def _redis() -> Iterator[GaugeMetricFamily]:
    client, now = heartbeats.client(), datetime.now(UTC)
    try:
        ages = {who: heartbeats.age_of(who, connection=client, now=now) for who in ("worker", "beat")}
        queued = client.llen(_QUEUE)
    except redis.RedisError:
        return
    rows: Rows = [([who], age.total_seconds()) for who, age in ages.items() if age is not None]
    yield _gauge("liftmon_heartbeat_age_seconds", "How long ago the process last reported.", rows, ["component"])
    yield _gauge("liftmon_queued_tasks", "Background tasks that no worker has taken yet.", [([], float(queued))])


# --- PostgreSQL --------------------------------------------------------------------------------------------------


def _is_reachable(findings: dict[str, health.Finding]) -> bool:
    return findings["postgresql"].is_fine


def _answer(question: Callable[[], Rows], *, deadline: float) -> Rows | None:
    """None when the database does not answer in time."""
    seconds = min(_QUESTION_SECONDS, deadline - time.monotonic())
    if seconds < _LEAST_SECONDS:
        return None
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])
            return question()
    except (DatabaseError, InterfaceError) as error:
        logger.warning("metrics_question_unanswered", question=question.__name__, reason=str(error).strip())
        return None


def _select(statement: str, *parameters: int | date) -> Rows:
    """Rows of labels and, last, the number."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return [([str(label) for label in labels], float(number)) for *labels, number in cursor.fetchall()]


def _pending_rows() -> Rows:
    return _select(f"SELECT count(*) FROM (SELECT 1 FROM {FACTS} LIMIT %s) AS found", _MOST_ROWS)  # noqa: S608


def _partition_ends() -> Rows:
    return _select(
        r"""
        SELECT substr(tier.relname, length('events_event_') + 1), extract(epoch FROM
            max(substring(pg_get_expr(week.relpartbound, week.oid) FROM 'TO \(''([^'']+)''\)')::timestamptz) - now())
        FROM pg_inherits of_tier
        JOIN pg_class tier ON tier.oid = of_tier.inhrelid
        JOIN pg_inherits of_week ON of_week.inhparent = tier.oid
        JOIN pg_class week ON week.oid = of_week.inhrelid
        WHERE of_tier.inhparent = 'events_event'::regclass GROUP BY tier.relname ORDER BY tier.relname
        """
    )


def _unclaimed_transitions() -> Rows:
    return _select(
        "SELECT count(*) FROM (SELECT 1 FROM events_issuetransition WHERE processed_at IS NULL LIMIT %s) AS found",
        _MOST_ROWS,
    )


def _rejections_today() -> Rows:
    return _select(
        """
        SELECT coalesce(service.slug, ''), code, sum(rejection_count)
        FROM events_ingestrejection LEFT JOIN events_service service ON service.id = service_id
        WHERE day = %s GROUP BY service.slug, code ORDER BY service.slug, code
        """,
        datetime.now(UTC).date(),
    )


def _guard_hits_today() -> Rows:
    return _select(
        """
        SELECT service.slug, guard, event_count FROM events_guardhit JOIN events_service service ON service.id = service_id
        WHERE day = %s ORDER BY service.slug, guard
        """,
        datetime.now(UTC).date(),
    )


_QUESTIONS: tuple[tuple[str, str, list[str], Callable[[], Rows]], ...] = (
    (
        "liftmon_rollup_pending_rows",
        f"Facts that wait to be folded into the counters, counted up to {_MOST_ROWS:,}.",
        [],
        _pending_rows,
    ),
    (
        "liftmon_partition_ahead_seconds",
        "How far into the future events can be stored: the end of the newest partition of each tier.",
        ["tier"],
        _partition_ends,
    ),
    (
        "liftmon_unclaimed_issue_transitions",
        f"News about issues that no alert has looked at yet, counted up to {_MOST_ROWS:,}.",
        [],
        _unclaimed_transitions,
    ),
    (
        "liftmon_refused_events_today",
        "What was refused since midnight UTC; no service: without a valid key.",
        ["service", "code"],
        _rejections_today,
    ),
    (
        "liftmon_guard_hits_today",
        "Events since midnight UTC in which a guard folded something.",
        ["service", "guard"],
        _guard_hits_today,
    ),
)
