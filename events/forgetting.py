"""Erasing one person: whatever tells of them goes, what was only counted stays true.

Events are emptied rather than deleted, so that counts, which name nobody, still equal the events. Nothing of the person is left in
them: no hash, no session, no message, no data, no breadcrumbs, no tags, no values of exceptions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from events.ingest.labels import PERSONAL
from events.ingest.types import Mark
from events.latency import LARGEST_MS
from events.rollup_tables import CHUNK, FACTS, FAILURES_CHUNK, FAILURES_TABLES, USERS_TABLES
from events.rollups import LATENCY_BUCKET, WAIT_FOR_LOCK

FORGOTTEN: Mark = {"path": "*", "rule": "forgotten"}
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was found of a person and taken away (or would be)."""

    events: int
    # Events of the person's sessions that did not name them; they lose the session.
    session_events: int
    issues: int
    # Minutes in which the person met failures of one kind.
    activity_rows: int

    @property
    def is_empty(self) -> bool:
        return not (self.events or self.session_events or self.issues or self.activity_rows)


def find_user(hashes: Sequence[str]) -> Erasure:
    """How much there is of the person with these hashes. Changes nothing."""
    with connection.cursor() as cursor:
        sessions = _sessions(cursor, hashes)
        return Erasure(
            events=_count(cursor, "events_event WHERE user_hash = ANY(%s)", list(hashes)),
            session_events=_count(
                cursor, "events_event WHERE user_hash <> ALL(%s) AND session_id = ANY(%s)", list(hashes), sessions
            )
            if sessions
            else 0,
            issues=len(_issues(cursor, hashes)),
            activity_rows=_count(
                cursor,
                "events_userfailure_minutes JOIN events_usernumber ON events_usernumber.id = user_id WHERE user_hash = ANY(%s)",
                list(hashes),
            ),
        )


def forget_user(hashes: Sequence[str], *, advance: Callable[[int], object] = lambda _: None) -> Erasure:
    """Erase the person. Short transactions: it may be stopped at any moment and run again. ``advance`` hears of each batch.

    Sessions first: once the events are empty nobody could tell which sessions were theirs.
    """
    with connection.cursor() as cursor:
        sessions = _sessions(cursor, hashes)
    session_events = 0
    while sessions and (done := _leave_sessions(hashes, sessions)):
        session_events += done
        advance(done)
    issues = _leave_issues(hashes)
    events = 0
    while done := _empty_events(hashes):
        events += done
        advance(done)
    # After the events, so that nothing counts the person again.
    activity_rows = _leave_counters(hashes)
    return Erasure(events, session_events, issues, activity_rows)


def _count(cursor: CursorWrapper, what: str, *parameters: list[str]) -> int:
    cursor.execute(f"SELECT count(*) FROM {what}", list(parameters))
    return int(cursor.fetchone()[0])


def _sessions(cursor: CursorWrapper, hashes: Sequence[str]) -> list[str]:
    cursor.execute(
        "SELECT DISTINCT session_id FROM events_event WHERE user_hash = ANY(%s) AND session_id <> ''", [list(hashes)]
    )
    return [row[0] for row in cursor.fetchall()]


def _issues(cursor: CursorWrapper, hashes: Sequence[str]) -> list[int]:
    cursor.execute(
        """
        SELECT DISTINCT fingerprint.issue_id FROM events_fingerprintuser AS known
        JOIN events_issuefingerprint AS fingerprint ON fingerprint.id = known.fingerprint_id
        WHERE known.user_hash = ANY(%s) ORDER BY 1
        """,
        [list(hashes)],
    )
    return [row[0] for row in cursor.fetchall()]


def _leave_sessions(hashes: Sequence[str], sessions: list[str]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE events_event SET session_id = '' WHERE (id, tier, occurred_at) IN (
                SELECT id, tier, occurred_at FROM events_event
                WHERE session_id = ANY(%s) AND user_hash <> ALL(%s) LIMIT %s)
            """,
            [sessions, list(hashes), _BATCH],
        )
        return int(cursor.rowcount)


def _leave_issues(hashes: Sequence[str]) -> int:
    """Locks as the writer does: fingerprints by service and hash, then issues by id."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM events_issuefingerprint
            WHERE id IN (SELECT fingerprint_id FROM events_fingerprintuser WHERE user_hash = ANY(%s))
            ORDER BY service_id, hash FOR NO KEY UPDATE
            """,
            [list(hashes)],
        )
        issues = _issues(cursor, hashes)
        cursor.execute("SELECT id FROM events_issue WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [issues])
        cursor.execute("DELETE FROM events_fingerprintuser WHERE user_hash = ANY(%s)", [list(hashes)])
        cursor.execute(
            """
            UPDATE events_issue AS issue SET user_count = (
                SELECT count(DISTINCT known.user_hash) FROM events_fingerprintuser AS known
                JOIN events_issuefingerprint AS fingerprint ON fingerprint.id = known.fingerprint_id
                WHERE fingerprint.issue_id = issue.id)
            WHERE issue.id = ANY(%s)
            """,
            [issues],
        )
    return len(issues)


def _leave_counters(hashes: Sequence[str]) -> int:
    """Out of the sets of users and the failures of each; folding waits meanwhile. Answers the rows of failures."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT {WAIT_FOR_LOCK}")
        cursor.execute(f"UPDATE {FACTS} SET user_hash = '' WHERE user_hash = ANY(%s)", [list(hashes)])
        cursor.execute("SELECT id FROM events_usernumber WHERE user_hash = ANY(%s)", [list(hashes)])
        numbers = [row[0] for row in cursor.fetchall()]
        for table in USERS_TABLES:
            for number in numbers:
                cursor.execute(
                    f"UPDATE {table} SET users = set_bit(users, %(bit)s, 0) "
                    "WHERE chunk = %(chunk)s AND get_bit(users, %(bit)s) = 1",
                    {"chunk": number // CHUNK, "bit": number % CHUNK},
                )
            cursor.execute(
                f"DELETE FROM {table} WHERE chunk = ANY(%s) AND bit_count(users) = 0",
                [[number // CHUNK for number in numbers]],
            )
        for table in FAILURES_TABLES:
            for number in numbers:
                # The person's twelve digits become zeros.
                cursor.execute(
                    f"""
                    UPDATE {table} SET failures = failures - mod(div(failures, place), 1e12) * place
                    FROM (SELECT ('1e' || %(digits)s)::numeric AS place) AS theirs WHERE chunk = %(chunk)s
                    """,
                    {"digits": 12 * (number % FAILURES_CHUNK), "chunk": number // FAILURES_CHUNK},
                )
            cursor.execute(f"DELETE FROM {table} WHERE failures = 0")
        cursor.execute("DELETE FROM events_user_minutes WHERE user_id = ANY(%s)", [numbers])
        cursor.execute("DELETE FROM events_userfailure_minutes WHERE user_id = ANY(%s)", [numbers])
        rows = int(cursor.rowcount)
        cursor.execute("DELETE FROM events_usernumber WHERE id = ANY(%s)", [numbers])
    return rows


def _empty_events(hashes: Sequence[str]) -> int:
    """A batch of events. What they counted for by a label that tells of the person, such as their address, moves to no label."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH chosen AS (
                SELECT id, tier, occurred_at, labels FROM events_event WHERE user_hash = ANY(%(hashes)s) LIMIT %(batch)s
            ), emptied AS (
                UPDATE events_event AS event SET user_hash = '', session_id = '', data = '{{}}', breadcrumbs = '[]', tags = '{{}}',
                    message = CASE WHEN message = '' THEN '' ELSE '[forgotten]' END,
                    exception = (
                        SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                            'type', one -> 'type', 'module', one -> 'module', 'frames', (
                                SELECT jsonb_agg(frame - 'vars' ORDER BY place)
                                FROM jsonb_array_elements(one -> 'frames') WITH ORDINALITY AS frames (frame, place))
                        )) ORDER BY number), '[]')
                        FROM jsonb_array_elements(exception) WITH ORDINALITY AS chain (one, number)),
                    scrubbed = scrubbed || %(forgotten)s::jsonb,
                    labels = event.labels - %(personal)s::text[]
                FROM chosen
                WHERE (event.id, event.tier, event.occurred_at) = (chosen.id, chosen.tier, chosen.occurred_at)
                    AND event.user_hash = ANY(%(hashes)s)
                RETURNING event.*, chosen.labels AS old_labels
            ), moved AS (
                INSERT INTO {FACTS}
                SELECT service_id, name, severity, endpoint, environment, release, side.labels,
                    date_trunc('minute', occurred_at), '',
                    CASE WHEN duration_ms >= 0 THEN {LATENCY_BUCKET} END, fingerprint_id, side.sign,
                    CASE WHEN duration_ms IS NULL THEN 0 ELSE side.sign END,
                    side.sign * least(coalesce(duration_ms, 0), {LARGEST_MS!r})
                FROM emptied CROSS JOIN LATERAL (VALUES (old_labels, -1), (emptied.labels, 1)) AS side (labels, sign)
                WHERE old_labels ?| %(personal)s::text[]
            )
            SELECT count(*) FROM emptied
            """,
            {
                "hashes": list(hashes),
                "batch": _BATCH,
                "forgotten": orjson.dumps([FORGOTTEN]).decode(),
                "personal": list(PERSONAL),
            },
        )
        return int(cursor.fetchone()[0])
