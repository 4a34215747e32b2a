"""Which issues come more often than they ever did: counts of this hour against the hours of the week before.

Reads the issues that were seen within the hour, and their hours; cost grows with those, not with events.
"""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection

from alerts.conditions import EscalatingCondition, Judged
from alerts.matching import Match, Words
from events.rollup_tables import FACTS

_HOUR = timedelta(hours=1)
HOURS_BEFORE = 7 * 24


class IssueHours(NamedTuple):
    """``this_hour``: events since the full hour; ``earlier``: of each hour before, as far back as it is known, newest first."""

    issue_id: int
    title: str
    words: Words
    this_hour: int
    earlier: list[int]


def growing(*, now: datetime, least: int) -> list[IssueHours]:
    """Open issues with at least so many events since the full hour."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH seen AS MATERIALIZED (
                SELECT issue.id, title, service_id, name, severity, first_seen_at FROM events_issue AS issue
                WHERE status = 'unresolved' AND merged_into_id IS NULL AND last_seen_at >= %(hour)s
            ), prints AS MATERIALIZED (
                SELECT print.id AS fingerprint_id, seen.id AS issue_id FROM events_issuefingerprint AS print
                JOIN seen ON seen.id = print.issue_id
            )
            SELECT issue_id, title, service_id, name, severity, first_seen_at, hour, sum(event_count)::bigint FROM (
                SELECT issue_id, hour, event_count FROM events_issue_hours JOIN prints USING (fingerprint_id)
                WHERE hour >= %(start)s
                UNION ALL SELECT issue_id, date_trunc('hour', minute, 'UTC'), event_count FROM {FACTS}
                JOIN prints USING (fingerprint_id) WHERE minute >= %(start)s
            ) AS told JOIN seen ON seen.id = issue_id GROUP BY 1, 2, 3, 4, 5, 6, 7
            """,
            {"hour": hour, "start": hour - HOURS_BEFORE * _HOUR},
        )
        rows = cursor.fetchall()
    by_issue: dict[int, dict[datetime, int]] = defaultdict(dict)
    heads = {}
    for issue_id, title, service_id, name, severity, first_seen_at, at, count in rows:
        by_issue[issue_id][at] = count
        heads[issue_id] = title, Words(service_id, name, severity), first_seen_at
    found = []
    for issue_id, hours in sorted(by_issue.items()):
        title, words, first_seen_at = heads[issue_id]
        this_hour = sum(count for at, count in hours.items() if at >= hour)
        if this_hour >= least:
            earlier = [hours.get(hour - ago * _HOUR, 0) for ago in range(1, known_hours(first_seen_at, hour) + 1)]
            found.append(IssueHours(issue_id, title, words, this_hour, earlier))
    return found


def known_hours(first_seen_at: datetime, hour: datetime) -> int:
    """Of how many hours before that one an issue is known."""
    return min(max(int((hour - first_seen_at) / _HOUR), 0), HOURS_BEFORE)


def match_of(match: Match) -> Match:
    """Which issues a rule is about. Endpoints and environments are not looked at: an issue is the sum of them."""
    return replace(match, endpoints=(), environments=())


def judgement(condition: EscalatingCondition, issue: IssueHours) -> tuple[dict[str, str], Judged]:
    """Of an issue, which is a group of its own: labels, and what is said of it."""
    judged = condition.judge(issue.this_hour, issue.earlier)
    evidence = {"issue": issue.issue_id, "service": issue.words.service_id}
    sentence = f"{issue.title}: {judged.sentence}"[:500]
    return {"issue": str(issue.issue_id)}, replace(judged, sentence=sentence, evidence=evidence)
