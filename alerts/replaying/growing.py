"""A replay of a rule about issues that escalate: their hours are kept, and when within one it was too much, the events tell.

Issues are as they are now: those that were merged since count as one, by the words of their newest event. Whether one was resolved
or muted then is told by its transitions. Events that are no longer kept count at the end of their hour.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection

from alerts.conditions import EscalatingCondition, Judged
from alerts.judging.grouping import key_of
from alerts.judging.growing_issues import HOURS_BEFORE, IssueHours, judgement, known_hours, match_of
from alerts.matching import Words
from alerts.models import AlertRule
from alerts.replaying.course import Course
from alerts.replaying.found import Columns, Replay
from alerts.replaying.minutes import at, minute_of
from events.event_ids import lowest_id
from events.models import IssueTransition, TransitionKind
from events.rollup_tables import FACTS

_HOUR = timedelta(hours=1)
# Whether an issue asks for attention after it.
_IS_OPEN = {
    TransitionKind.NEW: True, TransitionKind.REGRESSED: True, TransitionKind.REOPENED: True,
    TransitionKind.RESOLVED: False, TransitionKind.MUTED: False,
}  # fmt: skip

type Judgements = Mapping[int, Mapping[str, tuple[dict[str, str], Judged]]]
"""What holds, by the minute at whose beginning it is judged and the key of its group."""


@dataclass(slots=True)
class _Issue:
    """``changes``: times at which it was opened or closed, and which of both, oldest first."""

    issue_id: int
    title: str
    words: Words
    first_seen_at: datetime
    fingerprints: list[int]
    hours: dict[datetime, int] = field(default_factory=dict)
    changes: list[tuple[datetime, bool]] = field(default_factory=list)

    def is_open(self, moment: datetime) -> bool:
        place = bisect_right([one[0] for one in self.changes], moment)
        return self.changes[place - 1][1] if place else True

    def upto(self, hour: datetime, count: int) -> IssueHours:
        """As it stood when so many of that hour's events had come."""
        earlier = [self.hours.get(hour - ago * _HOUR, 0) for ago in range(1, known_hours(self.first_seen_at, hour) + 1)]
        return IssueHours(self.issue_id, self.title, self.words, count, earlier)


def replay_growing(
    rule: AlertRule, condition: EscalatingCondition, course: Course, found: Replay, check: Callable[[], None]
) -> None:
    columns = Columns(found)
    holding = _holding(rule, condition, found, columns, check)
    for minute in range(minute_of(found.since) + 1, minute_of(found.until) + 1):
        judged = holding.get(minute, {})
        for key, alert in list(course.open.items()):
            if key not in judged:
                course.move(key, alert.labels, None, at(minute))
        for key, (labels, one) in judged.items():
            course.move(key, labels, one, at(minute))
    found.points = list(columns.points(are_events=False))


def _holding(
    rule: AlertRule, condition: EscalatingCondition, found: Replay, columns: Columns, check: Callable[[], None]
) -> Judgements:
    match = match_of(rule.match)
    start, end = minute_of(found.since), minute_of(found.until)
    holding: dict[int, dict[str, tuple[dict[str, str], Judged]]] = defaultdict(dict)
    for issue in _issues(found.since, found.until):
        if not match.takes(issue.words):
            continue
        for hour, count in sorted(issue.hours.items()):
            check()
            first = minute_of(hour)
            if count < condition.least or not start - 60 < first < end:
                continue
            _, judged = judgement(condition, issue.upto(hour, count))
            # The limit is that of the hour: what does not hold at its end did not hold before.
            steps = _minutes(issue, hour, count) if judged.holds else [(59, count)]
            for after, so_far in steps:
                minute = first + after
                if so_far < condition.least or not start < minute <= end or not issue.is_open(at(minute)):
                    continue
                labels, judged = judgement(condition, issue.upto(hour, so_far))
                columns.note(minute - 1, judged)
                found.is_known = found.is_known or judged.is_known
                if judged.holds:
                    holding[minute][key_of(labels)] = labels, judged
    return holding


def _minutes(issue: _Issue, hour: datetime, count: int) -> Iterator[tuple[int, int]]:
    """How many of its events had come after each minute of the hour but the last, at whose end the next hour is looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT extract(minute FROM occurred_at)::int, count(*) FROM events_event
            WHERE id >= %(first_id)s AND id < %(last_id)s AND occurred_at >= %(start)s AND occurred_at < %(end)s
                AND fingerprint_id = ANY(%(fingerprints)s) GROUP BY 1
            """,
            {
                "first_id": lowest_id(hour), "last_id": lowest_id(hour + _HOUR), "start": hour, "end": hour + _HOUR,
                "fingerprints": issue.fingerprints,
            },
        )  # fmt: skip
        by_minute = dict(cursor.fetchall())
    gone, so_far = max(count - sum(by_minute.values()), 0), 0
    for minute in range(59):
        so_far += by_minute.get(minute, 0)
        yield minute + 1, so_far + (gone if minute == 58 else 0)


def _issues(since: datetime, until: datetime) -> Sequence[_Issue]:
    """Those of which anything was counted, with the hours before that they are held against."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT issue.id, title, issue.service_id, name, severity, issue.first_seen_at, hour, sum(told.event_count)::bigint,
                array_agg(DISTINCT fingerprint_id)
            FROM (
                SELECT fingerprint_id, hour, event_count FROM events_issue_hours WHERE hour >= %(start)s AND hour < %(end)s
                UNION ALL SELECT fingerprint_id, date_trunc('hour', minute, 'UTC'), event_count FROM {FACTS}
                WHERE fingerprint_id IS NOT NULL AND minute >= %(start)s AND minute < %(end)s
            ) AS told JOIN events_issuefingerprint AS print ON print.id = fingerprint_id
            JOIN events_issue AS issue ON issue.id = print.issue_id WHERE merged_into_id IS NULL
            GROUP BY issue.id, hour
            """,
            {"start": since.replace(minute=0) - HOURS_BEFORE * _HOUR, "end": until},
        )
        rows = cursor.fetchall()
    found: dict[int, _Issue] = {}
    for issue_id, title, service_id, name, severity, first_seen_at, hour, count, fingerprints in rows:
        issue = found.get(issue_id)
        if issue is None:
            words = Words(service_id, name, severity)
            issue = found[issue_id] = _Issue(issue_id, title, words, first_seen_at, [])
        issue.hours[hour] = count
        issue.fingerprints = sorted({*issue.fingerprints, *fingerprints})
    changes = IssueTransition.objects.filter(issue_id__in=found, kind__in=_IS_OPEN).order_by("at", "pk")
    for issue_id, kind, moment in changes.values_list("issue_id", "kind", "at"):
        found[issue_id].changes.append((moment, _IS_OPEN[TransitionKind(kind)]))
    return list(found.values())
