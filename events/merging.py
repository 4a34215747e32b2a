"""Merging: several fingerprints lead to one issue, and back again.

The merged issues form a tree: every issue but the root is ``merged_into`` its parent. One rule holds at every moment: a
fingerprint leads to the root above its home issue. So merging moves fingerprints and nothing else, and un-merging moves
exactly those back whose home lies at or below the issue that is taken out.

Order of locks: one merge per service at a time, then as the writer does (`events.ingest.writer`): fingerprints by hash,
issues by id, both FOR NO KEY UPDATE. A writer holds its fingerprints and issues until it commits, so that counts read
after the issues are locked are exact.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F

from events.ingest.fingerprint import fingerprint
from events.ingest.types import IncomingEvent, Severity
from events.models import Event, Issue, IssueStatus, IssueTransition, TransitionKind

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_MAX_DETAIL = 250


class MergeError(Exception):
    """The issues cannot be merged or un-merged; the text says why, for people."""


def merge(source: Issue, into: Issue, *, by: "User | None", at: datetime) -> Issue:
    """Let everything that leads to ``source`` lead to ``into``; answer the issue that stands for both.

    When ``into`` was merged itself, its root takes the source in. ``source`` keeps its status, assignee and history for
    the day it is un-merged. Raises MergeError.
    """
    return merge_all([source], into, by=by, at=at)


def merge_all(sources: Sequence[Issue], into: Issue, *, by: "User | None", at: datetime) -> Issue:
    """Merge each of ``sources`` into one issue, all or none. See `merge`.

    One call for many: a second merge in the same transaction would take fingerprints after issues and could then
    deadlock with the writer. Begin no transaction around it that has locked issues.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        parents = _claim_tree(cursor, into.service_id)
        root_id = _root(into.pk, parents)
        source_ids = list(dict.fromkeys(source.pk for source in sources))
        for source in sources:
            _refuse_unmergeable(source, into, root_id, parents)
        _move_fingerprints(cursor, at_or_below=source_ids, parents=parents, to=root_id)
        issues = _lock_issues([*source_ids, root_id])
        target = issues.pop(root_id)
        Issue.objects.filter(pk__in=source_ids).update(merged_into=target)
        for source in issues.values():
            _take_over(source, target)
        _recount(cursor, [*source_ids, root_id])
        for source in issues.values():
            _tell(source, TransitionKind.MERGED, f"into {_named(target)}", by=by, at=at)
            _tell(target, TransitionKind.MERGED, f"took in {_named(source)}", by=by, at=at)
        _reopen_if_it_came_back(target, at=at)
    target.refresh_from_db()
    return target


def unmerge(source: Issue, *, by: "User | None", at: datetime) -> Issue:
    """Take ``source`` out again with exactly the fingerprints that it brought, and their events and users.

    What had been merged into ``source`` before stays with it. Answers the refreshed issue; raises MergeError.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        parents = _claim_tree(cursor, source.service_id)
        if source.pk not in parents:
            raise MergeError(f"{_named(source)} is not merged into another issue.")
        root_id = _root(source.pk, parents)
        _move_fingerprints(cursor, at_or_below=[source.pk], parents=parents, to=source.pk)
        issues = _lock_issues([source.pk, root_id])
        Issue.objects.filter(pk=source.pk).update(merged_into=None)
        _recount(cursor, [source.pk, root_id])
        for issue in issues.values():
            _describe_by_its_events(issue)
        _tell(issues[source.pk], TransitionKind.UNMERGED, f"from {_named(issues[root_id])}", by=by, at=at)
        _tell(issues[root_id], TransitionKind.UNMERGED, f"gave back {_named(issues[source.pk])}", by=by, at=at)
        _reopen_if_it_came_back(issues[source.pk], at=at)
    source.refresh_from_db()
    return source


# --- The tree ----------------------------------------------------------------------------------------------------


def _claim_tree(cursor: CursorWrapper, service_id: int) -> dict[int, int]:
    """Wait for other merges of this service; then the parent of every merged issue of it."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('events.merging'), %s)", [service_id])
    merged = Issue.objects.filter(service_id=service_id, merged_into__isnull=False)
    return dict(merged.values_list("pk", "merged_into_id"))


def _root(issue_id: int, parents: dict[int, int]) -> int:
    while issue_id in parents:
        issue_id = parents[issue_id]
    return issue_id


def _at_or_below(top_ids: Iterable[int], parents: dict[int, int]) -> list[int]:
    found = set(top_ids)
    grew = True
    while grew:
        below = {child for child, parent in parents.items() if parent in found} - found
        found |= below
        grew = bool(below)
    return sorted(found)


def _refuse_unmergeable(source: Issue, into: Issue, root_id: int, parents: dict[int, int]) -> None:
    if source.pk == into.pk:
        raise MergeError("An issue cannot be merged into itself. Choose another one.")
    if source.service_id != into.service_id:
        raise MergeError(
            f"{_named(source)} and {_named(into)} belong to different services. Only issues of one service can be merged."
        )
    if source.pk == root_id:
        raise MergeError(f"{_named(into)} is merged into {_named(source)} already. Un-merge it first.")
    if source.pk in parents:
        raise MergeError(f"{_named(source)} is merged into another issue already. Un-merge it first.")


# --- What moves --------------------------------------------------------------------------------------------------


def _move_fingerprints(cursor: CursorWrapper, *, at_or_below: Sequence[int], parents: dict[int, int], to: int) -> None:
    """Writers that want one of these wait here and then find the issue that it leads to from now on."""
    cursor.execute(
        "SELECT id FROM events_issuefingerprint WHERE home_issue_id = ANY(%s) ORDER BY hash FOR NO KEY UPDATE",
        [_at_or_below(at_or_below, parents)],
    )
    cursor.execute(
        "UPDATE events_issuefingerprint SET issue_id = %s WHERE id = ANY(%s)",
        [to, [row[0] for row in cursor.fetchall()]],
    )


def _lock_issues(ids: Iterable[int]) -> dict[int, Issue]:
    locked = Issue.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    return {issue.pk: issue for issue in locked}


def _recount(cursor: CursorWrapper, ids: Sequence[int]) -> None:
    """Exact counts and times from the fingerprints that lead to each issue now; one with none keeps its times."""
    cursor.execute(
        """
        UPDATE events_issue AS issue SET
            event_count = coalesce(led.event_count, 0),
            user_count = (
                SELECT count(DISTINCT hurt.user_hash) FROM events_fingerprintuser AS hurt
                JOIN events_issuefingerprint AS its ON its.id = hurt.fingerprint_id WHERE its.issue_id = issue.id
            ),
            first_seen_at = coalesce(led.first_seen_at, issue.first_seen_at),
            last_seen_at = coalesce(led.last_seen_at, issue.last_seen_at)
        FROM unnest(%s::bigint[]) AS wanted (id) LEFT JOIN (
            SELECT issue_id, sum(event_count) AS event_count, min(first_seen_at) AS first_seen_at,
                max(last_seen_at) AS last_seen_at
            FROM events_issuefingerprint WHERE issue_id = ANY(%s) GROUP BY issue_id
        ) AS led ON led.issue_id = wanted.id
        WHERE issue.id = wanted.id
        """,
        [list(ids), list(ids)],
    )


def _take_over(source: Issue, target: Issue) -> None:
    """As the writer has it: the worst severity ever, and the name and title of the newest event."""
    values: dict[str, Any] = {}
    if Severity(source.severity).rank > Severity(target.severity).rank:
        values["severity"] = source.severity
    if source.last_seen_at > target.last_seen_at:
        for field in ("title", "culprit", "name", "tier", "last_seen_at"):
            values[field] = getattr(source, field)
    for field, value in values.items():
        setattr(target, field, value)
    if values:
        Issue.objects.filter(pk=target.pk).update(**values)


def _describe_by_its_events(issue: Issue) -> None:
    """Severity, name and title after un-merging, from the events that are left to it.

    They cannot be told apart any other way: a row keeps only the worst and the newest of what was merged. An issue
    whose events are all past their retention keeps what it says.
    """
    events = Event.objects.of_issue(issue)
    newest = events.newest_first().first()
    if newest is None:
        return
    severities = [Severity(severity) for severity in events.order_by().values_list("severity", flat=True).distinct()]
    named = fingerprint(_as_it_came(newest))
    issue.severity = max(severities, key=lambda severity: severity.rank).value
    issue.title, issue.culprit, issue.name, issue.tier = named.title, named.culprit, newest.name, newest.tier
    Issue.objects.filter(pk=issue.pk).update(
        severity=issue.severity, title=issue.title, culprit=issue.culprit, name=issue.name, tier=issue.tier
    )


def _as_it_came(event: Event) -> IncomingEvent:
    """The stored event as far as its title depends on it."""
    return IncomingEvent(
        name=event.name,
        occurred_at=event.occurred_at,
        received_at=event.received_at,
        message=event.message,
        endpoint=event.endpoint,
        exception=event.exception,
        tags=event.tags,
        data=event.data,
    )


# --- What is told ------------------------------------------------------------------------------------------------


def _reopen_if_it_came_back(issue: Issue, *, at: datetime) -> None:
    """A resolved issue to which later events belong now has come back, just as if they had arrived now."""
    came_back = Issue.objects.filter(
        pk=issue.pk, status=IssueStatus.RESOLVED, resolved_at__isnull=False, last_seen_at__gt=F("resolved_at")
    )
    if came_back.update(status=IssueStatus.UNRESOLVED, is_regressed=True, resolved_at=None):
        _tell(issue, TransitionKind.REGRESSED, "later events were merged into it", by=None, at=at)


def _tell(issue: Issue, kind: TransitionKind, detail: str, *, by: "User | None", at: datetime) -> None:
    IssueTransition.objects.create(issue=issue, kind=kind, at=at, actor=by, detail=detail[:_MAX_DETAIL])


def _named(issue: Issue) -> str:
    return f"#{issue.pk} {issue.title}"
