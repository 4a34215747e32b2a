"""Issues of a batch: which fingerprints its failures have, which issues those lead to, and what that adds to them.

Called by `events.ingest.writer` inside its transaction, after receipts and names and before the events, in the one order of
locks that the writer describes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
from django.conf import settings
from django.db.backends.utils import CursorWrapper

from events.ingest import guards
from events.ingest.types import Fingerprint, PreparedEvent, Severity
from events.models import Guard


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


# Which service, and the hash of the fingerprint.
GroupKey = tuple[int, str]


# Fingerprints that this process has met: most groups hold no other, and then nobody asks which are new.
_seen: set[GroupKey] = set()
_MOST_SEEN = 50_000


class FingerprintGoneError(Exception):
    """A fingerprint that was there is not: its service was deleted, or the transaction that made it did not last."""


def forget_seen() -> None:
    """For tests: another database has other fingerprints."""
    _seen.clear()


def group_failures(events: Iterable[PreparedEvent]) -> dict[GroupKey, Group]:
    """The failures among the events by service and fingerprint."""
    groups: dict[GroupKey, Group] = {}
    for prepared in events:
        if prepared.fingerprint is not None:
            key = (prepared.service_id, prepared.fingerprint.hash)
            group = groups.get(key)
            if group is None:
                group = groups[key] = Group(prepared.fingerprint)
            group.events.append(prepared)
    return groups


def find_or_create_fingerprints(cursor: CursorWrapper, groups: dict[GroupKey, Group], hits: guards.Hits) -> None:
    """Give every group its fingerprint and issue; new ones are made by exactly one of several concurrent writers.

    What exceeds a service's cap of new issues an hour is moved to its burst group: ``groups`` and the events change.
    """
    unseen = [key for key in groups if key not in _seen]
    if unseen and (missing := sorted(set(unseen) - _known_fingerprints(cursor, unseen))):
        for service_id, keys in groupby(missing, key=itemgetter(0)):
            _create_issues(cursor, service_id, list(keys), groups, hits)
    _lock_fingerprints(cursor, groups)
    if not all(group.fingerprint_id for group in groups.values()):
        _seen.clear()
        raise FingerprintGoneError
    if len(_seen) > _MOST_SEEN:
        _seen.clear()
    _seen.update(groups)


def _lock_fingerprints(cursor: CursorWrapper, groups: dict[GroupKey, Group]) -> None:
    """Learn which issues they lead to; locked, so that a merge cannot move one before this batch is counted."""
    services, hashes = zip(*sorted(groups), strict=True)
    cursor.execute(
        """
        SELECT fingerprint.service_id, fingerprint.hash, fingerprint.id, fingerprint.issue_id
        FROM unnest(%s::int[], %s::text[]) AS wanted (service_id, hash)
        JOIN events_issuefingerprint AS fingerprint USING (service_id, hash)
        ORDER BY fingerprint.service_id, fingerprint.hash FOR NO KEY UPDATE OF fingerprint
        """,
        [list(services), list(hashes)],
    )
    for service_id, hash_, fingerprint_id, issue_id in cursor.fetchall():
        groups[service_id, hash_].fingerprint_id = fingerprint_id
        groups[service_id, hash_].issue_id = issue_id


def _known_fingerprints(cursor: CursorWrapper, keys: Iterable[GroupKey]) -> set[GroupKey]:
    services, hashes = zip(*keys, strict=True)
    cursor.execute(
        """
        SELECT service_id, hash FROM unnest(%s::int[], %s::text[]) AS wanted (service_id, hash)
        JOIN events_issuefingerprint AS fingerprint USING (service_id, hash)
        """,
        [list(services), list(hashes)],
    )
    return set(cursor.fetchall())


def _create_issues(
    cursor: CursorWrapper, service_id: int, keys: list[GroupKey], groups: dict[GroupKey, Group], hits: guards.Hits
) -> None:
    """Make the issues of one service that its cap of new ones an hour allows; the rest goes to its burst issue.

    The count of the hour is locked first, so that one writer at a time makes issues of a service.
    """
    hour = max(groups[key].events[0].event.received_at for key in keys).replace(minute=0, second=0, microsecond=0)
    cursor.execute(
        """
        INSERT INTO events_newissuecount AS counted (service_id, hour, issue_count) VALUES (%s, %s, 0)
        ON CONFLICT (service_id, hour) DO UPDATE SET issue_count = counted.issue_count RETURNING issue_count
        """,
        [service_id, hour],
    )
    allowed = max(settings.INGEST_NEW_ISSUES_PER_HOUR - int(cursor.fetchone()[0]), 0)
    # Another writer may have made some of them before we had the lock.
    known = _known_fingerprints(cursor, keys)
    missing = [key for key in keys if key not in known]
    within, beyond = missing[:allowed], missing[allowed:]
    if beyond:
        burst = _fold_into_burst(service_id, beyond, groups, hits)
        if not _known_fingerprints(cursor, [burst]):
            within.append(burst)
    if within:
        _insert_issues(cursor, service_id, [groups[key] for key in within])
        cursor.execute(
            "UPDATE events_newissuecount SET issue_count = issue_count + %s WHERE service_id = %s AND hour = %s",
            [len(within), service_id, hour],
        )


def _fold_into_burst(
    service_id: int, keys: list[GroupKey], groups: dict[GroupKey, Group], hits: guards.Hits
) -> GroupKey:
    """Move the events of the groups to the one burst group of their service."""
    fingerprint = guards.BURST
    burst = (service_id, fingerprint.hash)
    if burst not in groups:
        groups[burst] = Group(fingerprint)
    for key in keys:
        folded = groups.pop(key)
        for prepared in folded.events:
            prepared.event.repaired.append({"path": "fingerprint", "rule": "burst"})
            prepared.fingerprint = fingerprint
        groups[burst].events += folded.events
        received_at = max(prepared.event.received_at for prepared in folded.events)
        hits.add(service_id, Guard.NEW_ISSUES, len(folded.events), folded.fingerprint.title, received_at)
    return burst


def _insert_issues(cursor: CursorWrapper, service_id: int, groups: Sequence[Group]) -> None:
    """Insert the fingerprints with issue ids taken in advance, then the issues. The foreign key is checked at commit."""
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
            issue_ids,
            [group.fingerprint.title for group in groups],
            [group.fingerprint.culprit for group in groups],
            [group.newest.event.name for group in groups],
            [group.newest.tier for group in groups],
            [_worst(group.events).value for group in groups],
            [group.first_seen_at for group in groups],
            [group.last_seen_at for group in groups],
        ],
    )


def _worst(events: Sequence[PreparedEvent]) -> Severity:
    return max((prepared.severity for prepared in events), key=lambda severity: severity.rank)


def update_issues(cursor: CursorWrapper, groups: dict[GroupKey, Group]) -> None:
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
            transitions.append((issue_id, "new", min(group.first_seen_at for group in members), newest.id))
        elif regressed:
            transitions.append((issue_id, "regressed", newest.event.occurred_at, newest.id))
    _apply_issue_updates(cursor, updates)
    _apply_fingerprint_updates(cursor, groups)
    if transitions:
        cursor.executemany(
            "INSERT INTO events_issuetransition (issue_id, kind, at, event_id, detail) VALUES (%s, %s, %s, %s, '')",
            transitions,
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


def _apply_fingerprint_updates(cursor: CursorWrapper, groups: dict[GroupKey, Group]) -> None:
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


def _note_users(cursor: CursorWrapper, groups: dict[GroupKey, Group]) -> dict[int, int]:
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
