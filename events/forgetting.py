"""Erasing one person: whatever tells of them goes, what was only counted stays true.

Events are emptied rather than deleted, so that counts, which name nobody, still equal the events. Nothing of the person is left in
them: no hash, no session, no message, no data, no breadcrumbs, no tags, no values of exceptions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from events.ingest.types import Mark

FORGOTTEN: Mark = {"path": "*", "rule": "forgotten"}
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was found of a person and taken away (or would be)."""

    events: int
    # Events of the person's sessions that did not name them; they lose the session.
    session_events: int
    issues: int
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
            activity_rows=_count(cursor, "events_useractivity WHERE user_hash = ANY(%s)", list(hashes)),
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
    activity_rows = 0
    for table in ("events_useractivity_pending", "events_useractivity_days"):
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE user_hash = ANY(%s)", [list(hashes)])  # noqa: S608 - names above
            activity_rows += int(cursor.rowcount)
    events = 0
    while done := _empty_events(hashes):
        events += done
        advance(done)
    return Erasure(events, session_events, issues, activity_rows)


def _count(cursor: CursorWrapper, what: str, *parameters: list[str]) -> int:
    cursor.execute(f"SELECT count(*) FROM {what}", list(parameters))  # noqa: S608 - written here
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


def _empty_events(hashes: Sequence[str]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE events_event SET user_hash = '', session_id = '', data = '{}', breadcrumbs = '[]', tags = '{}',
                message = CASE WHEN message = '' THEN '' ELSE '[forgotten]' END,
                exception = (
                    SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                        'type', one -> 'type', 'module', one -> 'module', 'frames', (
                            SELECT jsonb_agg(frame - 'vars' ORDER BY place)
                            FROM jsonb_array_elements(one -> 'frames') WITH ORDINALITY AS frames (frame, place))
                    )) ORDER BY number), '[]')
                    FROM jsonb_array_elements(exception) WITH ORDINALITY AS chain (one, number)),
                scrubbed = scrubbed || %s::jsonb
            WHERE (id, tier, occurred_at) IN (
                SELECT id, tier, occurred_at FROM events_event WHERE user_hash = ANY(%s) LIMIT %s)
            """,
            [orjson.dumps([FORGOTTEN]).decode(), list(hashes), _BATCH],
        )
        return int(cursor.rowcount)
