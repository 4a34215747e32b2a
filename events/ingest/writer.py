"""The one writer: what requests brought becomes rows in one transaction, exactly once.

Order of locks, the same for every caller, so that two writers can never wait for one another in a circle: receipts, guards (by
service), event types, new-issue counts (by service), fingerprints (by service and hash), issues (by id), guard hits,
rejections, keys. Merging (`events.merging`) takes fingerprints and issues in the same order.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
import psycopg
import psycopg.errors
import structlog
from django.db import DatabaseError, connection, transaction
from django.db.backends.utils import CursorWrapper

from events.ingest import guards
from events.ingest.issues import (
    FingerprintGoneError,
    Group,
    GroupKey,
    find_or_create_fingerprints,
    group_failures,
    update_issues,
)
from events.ingest.types import PreparedEvent, Submission
from events.notices import append_notices
from events.partitions import make_partitions
from events.rejections import count_rejections
from events.rollups import append_facts
from events.usage import note_uses

logger = structlog.get_logger(__name__)
_ATTEMPTS = 4
# How long a repeat of a client's event id is recognised.
REPEATS_KNOWN = timedelta(days=7)
_EVENT_COLUMNS = (
    "id, tier, occurred_at, received_at, service_id, fingerprint_id, event_id, name, kind, severity, message, environment, "
    "release, endpoint, duration_ms, user_hash, session_id, exception, breadcrumbs, tags, data, scrubbed, repaired, labels"
)


def write(submissions: Sequence[Submission], *, is_replay: bool = False) -> None:
    """Store the events that are new, count them, group the failures, count the refusals. Returns after commit.

    A repeat of a client's event id within 7 days changes nothing. With ``is_replay`` events without such an id are looked for
    as well, by our own id: an earlier attempt may have been committed although its answer was lost. Raises
    django.db.Error when the database cannot take it, in which case nothing of it is stored.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with transaction.atomic(), _preparing_cursor() as cursor:
                learned = _write_once(cursor, submissions, is_replay=is_replay)
        except (DatabaseError, FingerprintGoneError) as error:
            if attempt == _ATTEMPTS or not _may_succeed_again(error, submissions):
                raise
            logger.warning("write_retried", attempt=attempt, reason=type(error.__cause__ or error).__name__)
            time.sleep(0.02 * (attempt - 1))
        else:
            guards.learn(learned)
            return


def _preparing_cursor() -> CursorWrapper:
    """A cursor whose statements PostgreSQL parses and plans once a connection, not once a transaction.

    Django's own puts the parameters into the text, which makes every statement a new one.
    """
    connection.ensure_connection()
    raw: psycopg.Connection[Any] = connection.connection
    raw.prepare_threshold = 2
    cursor = psycopg.Cursor(raw)
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)  # type: ignore[arg-type]


def _may_succeed_again(error: Exception, submissions: Sequence[Submission]) -> bool:
    """Whether the same transaction may pass at the next attempt, after mending what stood in its way."""
    cause = error.__cause__
    if isinstance(cause, psycopg.errors.CheckViolation):
        # No partition for that week: the task that makes them ahead has not run for weeks.
        make_partitions(now=max(_received_at(submissions)))
        return True
    # A unique violation: a replay met the commit whose answer was lost, and now sees its rows; or two writers made the same
    # issue at the turn of an hour.
    conflicts = (
        psycopg.errors.UniqueViolation,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.SerializationFailure,
    )
    return isinstance(error, FingerprintGoneError) or isinstance(cause, conflicts)


def _received_at(submissions: Sequence[Submission]) -> list[datetime]:
    return [prepared.event.received_at for submission in submissions for prepared in submission.events]


def _write_once(cursor: CursorWrapper, submissions: Sequence[Submission], *, is_replay: bool) -> guards.Learned:
    events = [prepared for submission in submissions for prepared in submission.events]
    refusals = [refusal for submission in submissions for refusal in submission.refusals]
    learned = guards.Learned()
    fresh = _keep_fresh(cursor, events, is_replay=is_replay) if events else []
    if fresh:
        hits = guards.fold_excess(cursor, fresh, learned)
        _register_names(cursor, fresh)
        groups = group_failures(fresh)
        if groups:
            find_or_create_fingerprints(cursor, groups, hits)
            update_issues(cursor, groups)
        _copy_events(cursor, fresh, groups)
        append_facts(cursor, fresh, {key: group.fingerprint_id for key, group in groups.items()})
        append_notices(cursor, fresh)
        guards.record_hits(cursor, hits)
    if refusals:
        count_rejections(cursor, refusals)
    if uses := dict(submission.key_use for submission in submissions if submission.key_use):
        note_uses(cursor, uses)
    return learned


def _keep_fresh(cursor: CursorWrapper, events: Sequence[PreparedEvent], *, is_replay: bool) -> list[PreparedEvent]:
    """The events that were not stored before. Only a client's own id can be a repeat; ours are random."""
    received: dict[tuple[int, Any], datetime] = {}
    for prepared in events:
        if prepared.event.event_id is not None:
            received.setdefault((prepared.service_id, prepared.event.event_id), prepared.event.received_at)
    unclaimed: set[tuple[int, Any]] = set()
    if received:
        claims = sorted(received)
        cursor.execute(
            """
            INSERT INTO events_eventreceipt AS receipt (service_id, event_id, received_at)
            SELECT * FROM unnest(%s::int[], %s::uuid[], %s::timestamptz[])
            ON CONFLICT (service_id, event_id) DO UPDATE SET received_at = excluded.received_at
                WHERE receipt.received_at < excluded.received_at - make_interval(secs => %s)
            RETURNING service_id, event_id
            """,
            [
                [service_id for service_id, _ in claims],
                [event_id for _, event_id in claims],
                [received[claim] for claim in claims],
                REPEATS_KNOWN.total_seconds(),
            ],
        )
        unclaimed.update(cursor.fetchall())
    stored = _stored_already(cursor, events) if is_replay else frozenset()
    fresh = []
    for prepared in events:
        if prepared.event.event_id is None:
            if prepared.id not in stored:
                fresh.append(prepared)
        elif (claim := (prepared.service_id, prepared.event.event_id)) in unclaimed:
            unclaimed.remove(claim)  # the same id twice in one transaction counts once
            fresh.append(prepared)
    return fresh


def _stored_already(cursor: CursorWrapper, events: Sequence[PreparedEvent]) -> frozenset[Any]:
    ours = [prepared for prepared in events if prepared.event.event_id is None]
    if not ours:
        return frozenset()
    cursor.execute(
        """
        SELECT event.id FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[]) AS given (id, tier, occurred_at)
        JOIN events_event AS event USING (id, tier, occurred_at)
        """,
        [
            [prepared.id for prepared in ours],
            [prepared.tier for prepared in ours],
            [prepared.event.occurred_at for prepared in ours],
        ],
    )
    return frozenset(row[0] for row in cursor.fetchall())


def _register_names(cursor: CursorWrapper, events: Sequence[PreparedEvent]) -> None:
    """Unknown names enter the catalogue as daily, so that staff see them and can say what they mean."""
    unknown = {prepared.event.name: prepared for prepared in events if not guards.is_registered(prepared.event.name)}
    if not unknown:
        return
    cursor.execute("SELECT name FROM events_eventtype WHERE name = ANY(%s)", [list(unknown)])
    missing = sorted(set(unknown) - {row[0] for row in cursor.fetchall()})
    if missing:
        cursor.execute(
            """
            INSERT INTO events_eventtype (name, description, kind, default_severity, tier, question, is_from_guide, created_at)
            SELECT name, '', kind, '', 'daily', '', false, at
            FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS unknown (name, kind, at)
            ORDER BY name ON CONFLICT (name) DO NOTHING
            """,
            [
                missing,
                [unknown[name].kind.value for name in missing],
                [unknown[name].event.received_at for name in missing],
            ],
        )


def _copy_events(cursor: CursorWrapper, fresh: Sequence[PreparedEvent], groups: dict[GroupKey, Group]) -> None:
    # Django wraps errors of execute() only; those of COPY must be its own kind for write() to know them.
    with connection.wrap_database_errors, cursor.copy(f"COPY events_event ({_EVENT_COLUMNS}) FROM STDIN") as copy:
        for prepared in fresh:
            event = prepared.event
            fingerprint = prepared.fingerprint
            copy.write_row(
                (
                    prepared.id,
                    prepared.tier,
                    event.occurred_at,
                    event.received_at,
                    prepared.service_id,
                    groups[prepared.service_id, fingerprint.hash].fingerprint_id if fingerprint else None,
                    event.event_id or prepared.id,
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
                    _json(prepared.labels),
                )
            )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode() if value else ("{}" if isinstance(value, dict) else "[]")
