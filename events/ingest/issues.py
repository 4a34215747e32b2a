"""Issues of a batch: which fingerprints its failures have, which issues those lead to, and what that adds to them.

Called by `events.ingest.writer` inside its transaction, after receipts and names and before the events, in the one order of
locks that the writer describes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.db.backends.utils import CursorWrapper

from events.ingest.types import Fingerprint, PreparedEvent, Severity


@dataclass(slots=True)
class Group:
    """The events of one fingerprint in one batch."""

    fingerprint: Fingerprint
    events: list[PreparedEvent] = field(default_factory=list)
    fingerprint_id: int = 0
    issue_id: int = 0

    @property
    def newest(self) -> PreparedEvent:
        return max(self.events, key=lambda prepared: prepared.event.occurred_at)

    @property
    def first_seen_at(self) -> datetime:
        return min(prepared.event.occurred_at for prepared in self.events)

    @property
    def last_seen_at(self) -> datetime:
        return self.newest.event.occurred_at


def group_failures(events: Iterable[PreparedEvent]) -> dict[str, Group]:
    """The failures among the events by the hash of their fingerprint."""
    groups: dict[str, Group] = {}
    for prepared in events:
        if prepared.fingerprint is not None:
            groups.setdefault(prepared.fingerprint.hash, Group(prepared.fingerprint)).events.append(prepared)
    return groups


def find_or_create_fingerprints(cursor: CursorWrapper, service_id: int, groups: dict[str, Group]) -> None:
    """Give every group its fingerprint and issue; new ones are made by exactly one of several concurrent writers."""
    hashes = sorted(groups)
    cursor.execute(
        "SELECT hash FROM events_issuefingerprint WHERE service_id = %s AND hash = ANY(%s)", [service_id, hashes]
    )
    known = {row[0] for row in cursor.fetchall()}
    if missing := [hash_ for hash_ in hashes if hash_ not in known]:
        _create_issues(cursor, service_id, [groups[hash_] for hash_ in missing])
    # Locked, so that a merge cannot move the fingerprint to another issue before this batch is counted.
    cursor.execute(
        """
        SELECT hash, id, issue_id FROM events_issuefingerprint
        WHERE service_id = %s AND hash = ANY(%s) ORDER BY hash FOR NO KEY UPDATE
        """,
        [service_id, hashes],
    )
    for hash_, fingerprint_id, issue_id in cursor.fetchall():
        groups[hash_].fingerprint_id = fingerprint_id
        groups[hash_].issue_id = issue_id


def _create_issues(cursor: CursorWrapper, service_id: int, groups: Sequence[Group]) -> None:
    """Insert fingerprints that point at issue ids taken in advance, then the issues of those that won the race.

    A writer that loses waits for the winner's commit inside the insert. The foreign key is checked at commit.
    """
    cursor.execute(
        "SELECT nextval(pg_get_serial_sequence('events_issue', 'id')) FROM generate_series(1, %s)", [len(groups)]
    )
    issue_ids = [row[0] for row in cursor.fetchall()]
    cursor.execute(
        """
        INSERT INTO events_issuefingerprint
            (service_id, hash, version, issue_id, home_issue_id, parts, first_seen_at, last_seen_at, event_count)
        SELECT %s, hash, version, issue_id, issue_id, parts, first_seen_at, last_seen_at, 0
        FROM unnest(%s::text[], %s::int[], %s::bigint[], %s::jsonb[], %s::timestamptz[], %s::timestamptz[])
            AS fresh (hash, version, issue_id, parts, first_seen_at, last_seen_at)
        ORDER BY hash ON CONFLICT (service_id, hash) DO NOTHING
        RETURNING hash, issue_id
        """,
        [
            service_id,
            [group.fingerprint.hash for group in groups],
            [group.fingerprint.version for group in groups],
            issue_ids,
            [orjson.dumps(group.fingerprint.parts).decode() for group in groups],
            [group.first_seen_at for group in groups],
            [group.last_seen_at for group in groups],
        ],
    )
    won = dict(cursor.fetchall())
    by_hash = {group.fingerprint.hash: group for group in groups}
    if not won:
        return
    made = [(issue_id, by_hash[hash_]) for hash_, issue_id in won.items()]
    cursor.execute(
        """
        INSERT INTO events_issue (id, service_id, title, culprit, name, tier, severity, first_seen_at, last_seen_at,
            event_count, user_count, status, is_regressed)
        SELECT id, %s, title, culprit, name, tier, severity, first_seen_at, last_seen_at, 0, 0, 'unresolved', false
        FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
            %s::timestamptz[]) AS fresh (id, title, culprit, name, tier, severity, first_seen_at, last_seen_at)
        """,
        [
            service_id,
            [issue_id for issue_id, _ in made],
            [group.fingerprint.title for _, group in made],
            [group.fingerprint.culprit for _, group in made],
            [group.newest.event.name for _, group in made],
            [group.newest.tier for _, group in made],
            [_worst(group.events).value for _, group in made],
            [group.first_seen_at for _, group in made],
            [group.last_seen_at for _, group in made],
        ],
    )


def _worst(events: Sequence[PreparedEvent]) -> Severity:
    return max((prepared.severity for prepared in events), key=lambda severity: severity.rank)


def update_issues(cursor: CursorWrapper, groups: dict[str, Group]) -> None:
    """Count the batch on its fingerprints and issues, note who was hurt, and tell of what is new or has come back."""
    by_issue: dict[int, list[Group]] = defaultdict(list)
    for group in groups.values():
        by_issue[group.issue_id].append(group)
    issue_ids = sorted(by_issue)
    cursor.execute(
        """
        SELECT id, status, resolved_at, severity, event_count, last_seen_at FROM events_issue
        WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
        """,
        [issue_ids],
    )
    issues = {row[0]: row[1:] for row in cursor.fetchall()}
    new_users = _note_users(cursor, groups)
    updates, transitions = [], []
    for issue_id in issue_ids:
        status, resolved_at, severity, event_count, _ = issues[issue_id]
        members = by_issue[issue_id]
        newest_group = max(members, key=lambda group: group.last_seen_at)
        newest = newest_group.newest
        regressed = status == "resolved" and resolved_at is not None and newest.event.occurred_at > resolved_at
        worst = max(
            [Severity(severity), *(_worst(group.events) for group in members)], key=lambda candidate: candidate.rank
        )
        updates.append(
            (
                issue_id,
                sum(len(group.events) for group in members),
                new_users.get(issue_id, 0),
                min(group.first_seen_at for group in members),
                newest.event.occurred_at,
                worst.value,
                newest_group.fingerprint.title,
                newest_group.fingerprint.culprit,
                newest.event.name,
                newest.tier,
                regressed,
            )
        )
        if event_count == 0:
            transitions.append((issue_id, "new", min(group.first_seen_at for group in members)))
        elif regressed:
            transitions.append((issue_id, "regressed", newest.event.occurred_at))
    _apply_issue_updates(cursor, updates)
    _apply_fingerprint_updates(cursor, groups)
    if transitions:
        cursor.executemany(
            "INSERT INTO events_issuetransition (issue_id, kind, at, detail) VALUES (%s, %s, %s, '')", transitions
        )


def _apply_issue_updates(cursor: CursorWrapper, updates: Sequence[tuple[Any, ...]]) -> None:
    """The issue shows its newest event's title; a late, older event must not take it back."""
    cursor.execute(
        """
        UPDATE events_issue AS issue SET
            event_count = issue.event_count + batch.event_count,
            user_count = issue.user_count + batch.new_users,
            first_seen_at = least(issue.first_seen_at, batch.first_seen_at),
            last_seen_at = greatest(issue.last_seen_at, batch.last_seen_at),
            severity = batch.severity,
            title = CASE WHEN batch.last_seen_at >= issue.last_seen_at THEN batch.title ELSE issue.title END,
            culprit = CASE WHEN batch.last_seen_at >= issue.last_seen_at THEN batch.culprit ELSE issue.culprit END,
            name = CASE WHEN batch.last_seen_at >= issue.last_seen_at THEN batch.name ELSE issue.name END,
            tier = CASE WHEN batch.last_seen_at >= issue.last_seen_at THEN batch.tier ELSE issue.tier END,
            status = CASE WHEN batch.regressed THEN 'unresolved' ELSE issue.status END,
            is_regressed = issue.is_regressed OR batch.regressed,
            resolved_at = CASE WHEN batch.regressed THEN NULL ELSE issue.resolved_at END
        FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[],
            %s::text[], %s::text[], %s::text[], %s::bool[])
            AS batch (id, event_count, new_users, first_seen_at, last_seen_at, severity, title, culprit, name, tier, regressed)
        WHERE issue.id = batch.id
        """,
        [list(column) for column in zip(*updates, strict=True)],
    )


def _apply_fingerprint_updates(cursor: CursorWrapper, groups: dict[str, Group]) -> None:
    members = list(groups.values())
    cursor.execute(
        """
        UPDATE events_issuefingerprint AS fingerprint SET
            event_count = fingerprint.event_count + batch.event_count,
            first_seen_at = least(fingerprint.first_seen_at, batch.first_seen_at),
            last_seen_at = greatest(fingerprint.last_seen_at, batch.last_seen_at)
        FROM unnest(%s::bigint[], %s::int[], %s::timestamptz[], %s::timestamptz[])
            AS batch (id, event_count, first_seen_at, last_seen_at)
        WHERE fingerprint.id = batch.id
        """,
        [
            [group.fingerprint_id for group in members],
            [len(group.events) for group in members],
            [group.first_seen_at for group in members],
            [group.last_seen_at for group in members],
        ],
    )


def _note_users(cursor: CursorWrapper, groups: dict[str, Group]) -> dict[int, int]:
    """Record which users each fingerprint hurt; answer how many are new to each issue, exactly.

    The issue's row is locked by now, so nobody else can add the same user through another fingerprint meanwhile.
    """
    seen: dict[tuple[int, str], list[datetime]] = defaultdict(list)
    issue_of: dict[int, int] = {}
    for group in groups.values():
        issue_of[group.fingerprint_id] = group.issue_id
        for prepared in group.events:
            if prepared.event.user_hash:
                seen[group.fingerprint_id, prepared.event.user_hash].append(prepared.event.occurred_at)
    if not seen:
        return {}
    pairs = sorted(seen)
    cursor.execute(
        """
        WITH batch AS (
            SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::int[])
                AS batch (fingerprint_id, user_hash, issue_id, first_seen_at, last_seen_at, event_count)
        ), new_to_issue AS (
            -- Reads the table as it was before this statement: the users whom none of the issue's fingerprints knew.
            SELECT DISTINCT issue_id, user_hash FROM batch WHERE NOT EXISTS (
                SELECT FROM events_fingerprintuser AS known
                JOIN events_issuefingerprint AS sibling ON sibling.id = known.fingerprint_id
                WHERE sibling.issue_id = batch.issue_id AND known.user_hash = batch.user_hash
            )
        ), written AS (
            INSERT INTO events_fingerprintuser AS known (fingerprint_id, user_hash, first_seen_at, last_seen_at, event_count)
            SELECT fingerprint_id, user_hash, first_seen_at, last_seen_at, event_count FROM batch
            ORDER BY fingerprint_id, user_hash
            ON CONFLICT (fingerprint_id, user_hash) DO UPDATE SET
                first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
                last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
                event_count = known.event_count + excluded.event_count
        )
        SELECT issue_id, count(*) FROM new_to_issue GROUP BY issue_id
        """,
        [
            [fingerprint_id for fingerprint_id, _ in pairs],
            [user_hash for _, user_hash in pairs],
            [issue_of[fingerprint_id] for fingerprint_id, _ in pairs],
            [min(seen[pair]) for pair in pairs],
            [max(seen[pair]) for pair in pairs],
            [len(seen[pair]) for pair in pairs],
        ],
    )
    return dict(cursor.fetchall())
