"""The one writer: a batch of prepared events becomes rows in one transaction, exactly once.

Order of locks, the same for every caller, so that two writers can never wait for one another in a circle: receipts, event
types, fingerprints (by hash), issues (by id). Merging (`events.merging`) takes them in the same order.
"""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import psycopg.errors
import structlog
from django.db import OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.utils import IntegrityError

from events.event_ids import uuid7
from events.ingest.issues import Group, find_or_create_fingerprints, group_failures, update_issues
from events.ingest.types import PreparedEvent
from events.partitions import make_partitions
from events.rollups import append_event_counts, append_issue_counts

logger = structlog.get_logger(__name__)
_ATTEMPTS = 4
_EVENT_COLUMNS = (
    "id, tier, occurred_at, received_at, service_id, fingerprint_id, event_id, name, kind, severity, message, environment, "
    "release, endpoint, duration_ms, user_hash, session_id, exception, breadcrumbs, tags, data, scrubbed, repaired"
)


def write(*, service_id: int, events: Sequence[PreparedEvent], now: datetime) -> list[UUID]:
    """Store the events that are new, count them, group the failures; return each event's id in order of ``events``.

    A repeat of a client's event id within 7 days changes nothing and is answered with the same id. Returns after commit;
    raises django.db.Error when the database cannot take the batch, in which case nothing of it is stored.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                return _write_once(cursor, service_id, events, now)
        except IntegrityError as error:
            if not isinstance(error.__cause__, psycopg.errors.CheckViolation) or attempt == _ATTEMPTS:
                raise
            # No partition for that week: the task that makes them ahead has not run for weeks.
            make_partitions(now=now)
        except OperationalError as error:
            conflicts = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
            if not isinstance(error.__cause__, conflicts) or attempt == _ATTEMPTS:
                raise
            logger.warning("write_retried", attempt=attempt, reason=type(error.__cause__).__name__)
            time.sleep(0.02 * attempt)
    raise AssertionError("the last attempt returns or raises")


def _write_once(cursor: CursorWrapper, service_id: int, events: Sequence[PreparedEvent], now: datetime) -> list[UUID]:
    ids = [prepared.event.event_id or uuid7(prepared.event.occurred_at) for prepared in events]
    fresh = _keep_fresh(cursor, service_id, events, ids, now)
    if not fresh:
        return ids
    _register_names(cursor, (prepared for prepared, _ in fresh), now)
    groups = group_failures(prepared for prepared, _ in fresh)
    if groups:
        find_or_create_fingerprints(cursor, service_id, groups)
        update_issues(cursor, groups)
    _copy_events(cursor, service_id, fresh, groups)
    append_event_counts(
        cursor,
        Counter(
            (
                service_id,
                prepared.event.name,
                prepared.severity.value,
                prepared.event.endpoint,
                prepared.event.environment,
                prepared.event.occurred_at.replace(second=0, microsecond=0),
            )
            for prepared, _ in fresh
        ),
    )
    append_issue_counts(
        cursor,
        Counter(
            (group.fingerprint_id, prepared.event.occurred_at.replace(minute=0, second=0, microsecond=0))
            for group in groups.values()
            for prepared in group.events
        ),
    )
    return ids


def _keep_fresh(
    cursor: CursorWrapper, service_id: int, events: Sequence[PreparedEvent], ids: Sequence[UUID], now: datetime
) -> list[tuple[PreparedEvent, UUID]]:
    """The events that were not stored before. Only a client's own id can be a repeat; ours are random."""
    by_client_id = {prepared.event.event_id: None for prepared in events if prepared.event.event_id}
    if by_client_id:
        cursor.execute(
            """
            INSERT INTO events_eventreceipt AS receipt (service_id, event_id, received_at)
            SELECT %s, event_id, %s FROM unnest(%s::uuid[]) AS event_id ORDER BY event_id
            ON CONFLICT (service_id, event_id) DO UPDATE SET received_at = excluded.received_at
                WHERE receipt.received_at < excluded.received_at - interval '7 days'
            RETURNING event_id
            """,
            [service_id, now, list(by_client_id)],
        )
    unclaimed = {row[0] for row in cursor.fetchall()} if by_client_id else set()
    fresh = []
    for prepared, event_id in zip(events, ids, strict=True):
        if prepared.event.event_id is None:
            fresh.append((prepared, event_id))
        elif event_id in unclaimed:
            unclaimed.remove(event_id)  # the same id twice in one batch counts once
            fresh.append((prepared, event_id))
    return fresh


def _register_names(cursor: CursorWrapper, events: Any, now: datetime) -> None:
    """Unknown names enter the catalogue as daily, so that staff see them and can say what they mean."""
    kinds = {prepared.event.name: prepared.kind.value for prepared in events}
    cursor.execute("SELECT name FROM events_eventtype WHERE name = ANY(%s)", [list(kinds)])
    missing = sorted(set(kinds) - {row[0] for row in cursor.fetchall()})
    if missing:
        cursor.execute(
            """
            INSERT INTO events_eventtype (name, description, kind, default_severity, tier, question, is_from_guide, created_at)
            SELECT name, '', kind, '', 'daily', '', false, %s FROM unnest(%s::text[], %s::text[]) AS unknown (name, kind)
            ORDER BY name ON CONFLICT (name) DO NOTHING
            """,
            [now, missing, [kinds[name] for name in missing]],
        )


def _copy_events(
    cursor: CursorWrapper, service_id: int, fresh: Sequence[tuple[PreparedEvent, UUID]], groups: dict[str, Group]
) -> None:
    # Django wraps errors of execute() only; those of COPY must be its own kind for write() to know them.
    with connection.wrap_database_errors, cursor.copy(f"COPY events_event ({_EVENT_COLUMNS}) FROM STDIN") as copy:
        for prepared, event_id in fresh:
            event = prepared.event
            group = groups[prepared.fingerprint.hash] if prepared.fingerprint else None
            copy.write_row(
                (
                    uuid7(event.occurred_at) if event.event_id else event_id,
                    prepared.tier,
                    event.occurred_at,
                    event.received_at,
                    service_id,
                    group.fingerprint_id if group else None,
                    event_id,
                    event.name,
                    prepared.kind.value,
                    prepared.severity.value,
                    event.message,
                    event.environment,
                    event.release,
                    event.endpoint,
                    event.duration_ms,
                    event.user_hash,
                    event.session_id,
                    _json(event.exception),
                    _json(event.breadcrumbs),
                    _json(event.tags),
                    _json(event.data),
                    _json(event.scrubbed),
                    _json(event.repaired),
                )
            )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
