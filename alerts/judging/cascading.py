"""Puts what was counted before `alerts.cascade`, and keeps what it says with the alert.

A cascade rule looks at the service, environment and endpoint of events, whatever they are called: what fails is what
`dashboards/reports/` call a failed request. Its alerts may be kept apart by service and environment.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection

from alerts.cascade import Cascade, Condition, Endpoint, Member, Minute, cascade_of, course_of
from alerts.conditions import CascadeCondition, Judged
from alerts.judging import counting
from alerts.judging.suspects import Suspect
from alerts.judging.usual_failures import Span, Usual, usual_of
from alerts.matching import Match, Words, is_like
from events.event_ids import lowest_id
from events.models import Release

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
# What alerts.cascade looks at, and what is usual: the hours of a day before it.
LOOKED_AT, _USUAL = timedelta(minutes=31), timedelta(hours=24)
_RELEASES = timedelta(hours=24)

type Place = tuple[int, str, str]
"""Service, environment, endpoint."""
type MinuteRows = Iterable[tuple[Words, datetime, int]]


def judge(
    match: Match,
    group_by: Sequence[str],
    condition: CascadeCondition,
    *,
    rows: MinuteRows,
    now: datetime,
    open_evidence: Mapping[str, Mapping[str, Any]],
) -> list[tuple[dict[str, str], Judged]]:
    """The judgement of each group. ``rows``: counts by the minute since LOOKED_AT ago. ``open_evidence``: that of its open alert,
    by the group's labels as `label_key` writes them."""
    asked = Condition(condition.endpoints, timedelta(seconds=condition.window_seconds))
    by_group: dict[tuple[tuple[str, str], ...], dict[Place, _Counted]] = defaultdict(dict)
    for place, counted in _by_place(match, rows).items():
        by_group[tuple((word, _label(place, word)) for word in group_by)][place] = counted
    usual = usual_by_place(counting.full_minute(now - LOOKED_AT).replace(minute=0))
    found = []
    for group, places in by_group.items():
        labels = dict(group)
        before = [_member(one) for one in open_evidence.get(label_key(labels), {}).get("members", [])]
        found.append((labels, _judged(places, usual, asked, before, now)))
    return found


def label_key(labels: Mapping[str, str]) -> str:
    return "\n".join(f"{word}={value}" for word, value in sorted(labels.items()))


def _judged(
    places: Mapping[Place, "_Counted"],
    usual: Mapping[Place, Usual],
    asked: Condition,
    before: Sequence[Member],
    now: datetime,
) -> Judged:
    start = counting.full_minute(now) - asked.window
    failing = [place for place, counted in places.items() if counted.failed_since(start)]
    if not before and len(failing) < asked.endpoints:
        sentence = f"{len(failing)} endpoints fail within {asked.window.total_seconds() / 60:g} minutes, limit {asked.endpoints}."
        return Judged(False, float(len(failing)), float(asked.endpoints), sentence)
    details = _details(failing, start, now)
    suspects: Sequence[Suspect]
    endpoints = [counted.endpoint(place, usual.get(place), details.get(place)) for place, counted in places.items()]
    if before:
        course = course_of(before, endpoints, now=now, condition=asked)
        members, suspects, holds = course.members, (), not course.is_over
        grown = cascade_of(endpoints, now=now, condition=asked, released_at=_released_at(places, now))
        if grown is not None:
            suspects, members = grown.suspects, _joined(members, grown)
        summary = grown.summary if grown else _still(members, course.recovered)
    else:
        cascade = cascade_of(endpoints, now=now, condition=asked, released_at=_released_at(places, now))
        if cascade is None:
            sentence = f"{len(failing)} endpoints fail, as they usually do, or not together."
            return Judged(False, float(len(failing)), float(asked.endpoints), sentence)
        members, suspects, holds, summary = cascade.members, cascade.suspects, True, cascade.summary
    evidence: dict[str, Any] = {
        "members": [_written(one) for one in members],
        "suspects": [_suspect(one) for one in suspects],
    }
    if suspects:
        evidence["likely_cause"] = (
            f"{suspects[0].kind.value} {suspects[0].value}. {' '.join(suspects[0].evidence)}".strip()
        )
    return Judged(holds, float(len(members)), float(asked.endpoints), summary[:500], evidence=evidence)


def _joined(members: Sequence[Member], grown: Cascade) -> tuple[Member, ...]:
    """The newest counts of those who fail, and those who failed before."""
    newest = {member.key: member for member in grown.members}
    kept = [replace(newest.pop(one.key), began_at=one.began_at) if one.key in newest else one for one in members]
    return tuple(sorted([*kept, *newest.values()], key=lambda one: (one.began_at, one.key)))


def _still(members: Sequence[Member], recovered: Sequence[Member]) -> str:
    names = ", ".join(member.endpoint for member in members[:3])
    more = f" and {len(members) - 3} more" if len(members) > 3 else ""
    if not members:
        return f"All {len(recovered)} endpoints have recovered."
    back = f"; {len(recovered)} recovered" if recovered else ""
    return f"{len(members)} endpoints still fail together: {names}{more}{back}."


# --- What was counted ---------------------------------------------------------------------------------------------------


class _Counted:
    """Of one place by the minute: failed requests told by errors and by answers, requests, and the words of its failures."""

    def __init__(self) -> None:
        self._minutes: dict[datetime, list[int]] = defaultdict(lambda: [0, 0, 0])
        self._words: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, words: Words, minute: datetime, count: int) -> None:
        is_request = words.name == "api_response_time"
        is_bad_answer = is_request and words.labels.get("status") == "5xx"
        is_error = not is_request and words.severity in ("critical", "error")
        counted = self._minutes[minute]
        counted[0] += count * is_error
        counted[1] += count * is_bad_answer
        counted[2] += count * is_request
        if is_error or is_bad_answer:
            told = {
                "release": words.release,
                "environment": words.environment,
                "dependency": words.label("ai_provider"),
            }
            for word, value in told.items():
                if value:
                    self._words[word][value] += count

    def failed_since(self, start: datetime) -> int:
        return sum(max(one[0], one[1]) for minute, one in self._minutes.items() if minute >= start)

    def endpoint(self, place: Place, usual: Usual | None, details: "_Details | None") -> Endpoint:
        minutes = [Minute(minute, max(one[0], one[1]), one[2]) for minute, one in sorted(self._minutes.items())]
        words = {word: dict(values) for word, values in self._words.items()}
        if details is not None:
            words |= {word: dict(values) for word, values in details.words.items() if values}
        return Endpoint(
            place[0], place[2], minutes, usual, words,
            first_failed_at=details.first_at if details else None, last_failed_at=details.last_at if details else None,
        )  # fmt: skip


def _by_place(match: Match, rows: MinuteRows) -> dict[Place, _Counted]:
    found: dict[Place, _Counted] = defaultdict(_Counted)
    for words, minute, count in rows:
        if words.endpoint and takes_place(match, words.service_id, words.environment, words.endpoint):
            found[words.service_id, words.environment, words.endpoint].add(words, minute, count)
    return found


def takes_place(match: Match, service_id: int, environment: str, endpoint: str) -> bool:
    return (
        (match.service_id is None or match.service_id == service_id)
        and (not match.environments or environment in match.environments)
        and (not match.endpoints or any(is_like(endpoint, one) for one in match.endpoints))
    )


def _label(place: Place, word: str) -> str:
    return {"service": str(place[0]), "environment": place[1]}.get(word, "")


@lru_cache(maxsize=4)
def usual_by_place(until: datetime) -> dict[Place, Usual]:
    """What is usual of each endpoint: the hours of a day until then (a full hour). They are folded by then, and change no more."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT service_id, environment, endpoint,
                coalesce(sum(event_count) FILTER (WHERE name <> 'api_response_time'), 0)::bigint,
                coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time' AND labels ->> 'status' = '5xx'), 0)::bigint,
                coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint
            FROM events_count_hours JOIN events_series ON events_series.id = series_id
            WHERE hour >= %s AND hour < %s AND endpoint <> ''
                AND (name = 'api_response_time' OR severity IN ('critical', 'error'))
            GROUP BY service_id, environment, endpoint, hour
            """,
            [until - _USUAL, until],
        )
        spans: dict[Place, list[Span]] = defaultdict(list)
        for service_id, environment, endpoint, errors, bad_answers, requests in cursor.fetchall():
            spans[service_id, environment, endpoint].append(Span(max(errors, bad_answers), requests))
    return {place: usual for place, of_place in spans.items() if (usual := usual_of(of_place)) is not None}


class _Details:
    """When a place first and last failed, to the second, and what its failures have in common."""

    def __init__(self) -> None:
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None
        self.words: dict[str, Counter[str]] = defaultdict(Counter)


def _details(places: Sequence[Place], start: datetime, now: datetime) -> dict[Place, _Details]:
    """Of the failures of some minutes, when enough endpoints fail for it to matter. Index: the primary key (id by time)."""
    if not places:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT service_id, environment, endpoint, exception -> -1 ->> 'type',
                coalesce(labels ->> 'ai_provider', tags ->> 'dependency', data ->> 'dependency', data ->> 'provider'),
                count(*), min(occurred_at), max(occurred_at)
            FROM events_event
            WHERE id >= %(first_id)s AND occurred_at >= %(start)s AND occurred_at <= %(end)s AND endpoint = ANY(%(endpoints)s)
                AND (name = 'api_response_time' AND labels ->> 'status' = '5xx'
                    OR name <> 'api_response_time' AND severity IN ('critical', 'error'))
            GROUP BY 1, 2, 3, 4, 5
            """,
            {
                "first_id": lowest_id(start), "start": start, "end": now + _MINUTE,
                "endpoints": sorted({place[2] for place in places}),
            },
        )  # fmt: skip
        found: dict[Place, _Details] = defaultdict(_Details)
        for service_id, environment, endpoint, exception, dependency, count, first_at, last_at in cursor.fetchall():
            one = found[service_id, environment, endpoint]
            one.first_at = min(filter(None, (one.first_at, first_at)))
            one.last_at = max(filter(None, (one.last_at, last_at)))
            for word, value in (("exception", exception), ("dependency", dependency)):
                if value:
                    one.words[word][value] += count
    return dict(found)


def _released_at(places: Iterable[Place], now: datetime) -> dict[str, datetime]:
    """When the releases of the last day were first heard of."""
    services = {place[0] for place in places}
    rows = Release.objects.filter(service_id__in=services, first_seen_at__gte=now - _RELEASES)
    found: dict[str, datetime] = {}
    for release, at in rows.values_list("release", "first_seen_at"):
        found[release] = min(at, found.get(release, at))
    return found


# --- What is kept -------------------------------------------------------------------------------------------------------


def _written(member: Member) -> dict[str, Any]:
    return {
        "service": member.service_id, "endpoint": member.endpoint, "began_at": member.began_at.isoformat(),
        "failures": member.failures, "requests": member.requests, "expected": round(member.expected, 3),
    }  # fmt: skip


def _member(written: Mapping[str, Any]) -> Member:
    return Member(
        int(written["service"]), str(written["endpoint"]), datetime.fromisoformat(written["began_at"]),
        int(written["failures"]), int(written["requests"]), float(written["expected"]),
    )  # fmt: skip


def _suspect(suspect: Suspect) -> dict[str, Any]:
    return {
        "kind": suspect.kind.value, "value": suspect.value, "score": round(suspect.score, 3),
        "evidence": list(suspect.evidence),
    }  # fmt: skip
