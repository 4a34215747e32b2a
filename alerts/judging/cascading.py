"""Puts what was counted before `alerts.cascade`, and keeps what it says with the alert: the same for live judging and replays.

Its alerts may be kept apart by service and environment.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from django.db import connection

from alerts.cascade import Cascade, Condition, Member, beyond_usual, cascade_of, course_of
from alerts.conditions import CascadeCondition, Judged
from alerts.judging import counting
from alerts.judging.places import Details, Place, Places, Told, takes_place, told_of
from alerts.judging.suspects import Suspect
from alerts.judging.usual_failures import Span, Usual, typical_share, usual_of
from alerts.matching import Match, Words
from events.event_ids import lowest_id
from events.models import Release

_HOUR, _MINUTE = timedelta(hours=1), timedelta(minutes=1)
# What alerts.cascade looks at, at least, and what is usual: the hours of a day before it.
_LOOKED_AT, USUAL = timedelta(minutes=31), timedelta(hours=24)
RELEASES = timedelta(hours=24)

type MinuteRows = Iterable[tuple[Words, datetime, int]]


class Known(Protocol):
    """What is known besides counts by the minute."""

    def usual(self, until: datetime) -> Mapping[Place, Usual]:
        """What is usual of each place, by the hours of a day until then (a full hour)."""
        ...

    def details(self, places: Sequence[Place], start: datetime, now: datetime) -> Mapping[Place, Details]:
        """Of the failures of some minutes."""
        ...

    def released_at(self, services: set[int], now: datetime) -> Mapping[str, datetime]:
        """When the releases of the last day were first heard of."""
        ...


class Groups:
    """The places of each group of a rule, and what is said of them. ``group_by``: of that, service and environment."""

    def __init__(self, group_by: Sequence[str], condition: CascadeCondition) -> None:
        self._group_by = [word for word in group_by if word in ("service", "environment")]
        self._asked = Condition(condition.endpoints, timedelta(seconds=condition.window_seconds))
        self._looked_at = looked_at(condition)
        self._groups: dict[tuple[str, ...], Places] = defaultdict(Places)

    def add(self, told: Told, minute: datetime, count: int) -> None:
        values = {"service": str(told.place[0]), "environment": told.place[1]}
        self._groups[tuple(values[word] for word in self._group_by)].add(told, minute, count)

    def forget_before(self, start: datetime) -> None:
        for places in self._groups.values():
            places.forget_before(start)

    def judge(
        self, known: Known, open_evidence: Mapping[str, Mapping[str, Any]], now: datetime
    ) -> Iterator[tuple[dict[str, str], Judged]]:
        """Of each group of which there is anything. ``open_evidence``: that of its open alert, by `label_key`."""
        until = counting.full_minute(now - self._looked_at).replace(minute=0)
        for values, places in self._groups.items():
            if places.counted:
                labels = dict(zip(self._group_by, values, strict=True))
                before = [_member(one) for one in open_evidence.get(label_key(labels), {}).get("members", [])]
                yield labels, _judged(places, _OfHour(known, until), self._asked, before, now)


class _OfHour:
    """What is usual is asked for when it matters, which it seldom does."""

    def __init__(self, known: Known, until: datetime) -> None:
        self.known, self._until = known, until

    def usual(self) -> Mapping[Place, Usual]:
        return self.known.usual(self._until)


def looked_at(condition: CascadeCondition) -> timedelta:
    """How far back counts by the minute are needed: full minutes, with the one that runs."""
    return max(_LOOKED_AT, math.ceil(condition.window_seconds / 60) * _MINUTE + _MINUTE)


def judge(
    match: Match,
    group_by: Sequence[str],
    condition: CascadeCondition,
    *,
    rows: MinuteRows,
    now: datetime,
    open_evidence: Mapping[str, Mapping[str, Any]],
) -> list[tuple[dict[str, str], Judged]]:
    """The judgement of each group. ``rows``: counts by the minute for as long as is `looked_at`. ``open_evidence``: that of its
    open alert, by the group's labels as `label_key` writes them."""
    groups = Groups(group_by, condition)
    for words, minute, count in rows:
        told = told_of(words)
        if told is not None and takes_place(match, told.place):
            groups.add(told, minute, count)
    return list(groups.judge(Live(), open_evidence, now))


def label_key(labels: Mapping[str, str]) -> str:
    return "\n".join(f"{word}={value}" for word, value in sorted(labels.items()))


def _judged(places: Places, of_hour: _OfHour, asked: Condition, before: Sequence[Member], now: datetime) -> Judged:
    start = counting.full_minute(now) - asked.window
    failed = places.failed_since(start)
    if not before and (few := _too_few(places, of_hour, asked, failed, now)):
        return few
    known, usual = of_hour.known, of_hour.usual()
    details = known.details(list(failed), start, now)
    released_at = known.released_at({place[0] for place in places.counted}, now)
    suspects: Sequence[Suspect]
    endpoints = [
        counted.endpoint(place, usual.get(place), details.get(place)) for place, counted in places.counted.items()
    ]
    if before:
        course = course_of(before, endpoints, now=now, condition=asked)
        members, suspects, holds = course.members, (), not course.is_over
        grown = cascade_of(endpoints, now=now, condition=asked, released_at=released_at)
        if grown is not None:
            suspects, members = grown.suspects, _joined(members, grown)
        summary = grown.summary if grown else _still(members, course.recovered)
    else:
        cascade = cascade_of(endpoints, now=now, condition=asked, released_at=released_at)
        if cascade is None:
            sentence = f"{len(failed)} endpoints fail beyond what is usual, but not together, or for too short a time."
            return Judged(False, float(asked.endpoints), float(asked.endpoints), sentence)
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


def _too_few(
    places: Places, of_hour: _OfHour, asked: Condition, failed: Mapping[Place, int], now: datetime
) -> Judged | None:
    """What is said when too few endpoints fail for a cascade, which costs little to find; None: there may be one."""
    limit, span = asked.endpoints, f"{asked.window.total_seconds() / 60:g} minutes"
    often = [place for place, failures in failed.items() if failures >= asked.least_failures]
    if len(often) < limit:
        often_said = f"{len(often)} of them {asked.least_failures} times or more"
        sentence = f"{len(failed)} endpoints fail within {span}, {often_said}; limit {limit}."
        return Judged(False, float(len(often)), float(limit), sentence)
    usual = of_hour.usual()
    beyond = beyond_usual(
        [places.counted[place].endpoint(place, usual.get(place)) for place in often],
        now=now,
        condition=asked,
        typical=typical_share(usual.get(place) for place in places.counted),
    )
    if beyond >= limit:
        return None
    sentence = f"{len(failed)} endpoints fail within {span}, {beyond} of them beyond what is usual; limit {limit}."
    return Judged(False, float(beyond), float(limit), sentence)


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


# --- What is known ------------------------------------------------------------------------------------------------------


class Live:
    """The `Known` of live judging."""

    def usual(self, until: datetime) -> Mapping[Place, Usual]:
        return usual_by_place(until)

    def details(self, places: Sequence[Place], start: datetime, now: datetime) -> Mapping[Place, Details]:
        return details_of(places, start, now + _MINUTE)

    def released_at(self, services: set[int], now: datetime) -> Mapping[str, datetime]:
        rows = Release.objects.filter(service_id__in=services, first_seen_at__gte=now - RELEASES)
        return first_of(rows.values_list("service_id", "release", "first_seen_at"), services, now)


@lru_cache(maxsize=4)
def usual_by_place(until: datetime) -> dict[Place, Usual]:
    """The hours of a day until then (a full hour). They are folded by then, and change no more."""
    spans: dict[Place, list[Span]] = defaultdict(list)
    for place, _, span in spans_by_hour(until - USUAL, until):
        spans[place].append(span)
    return {place: usual for place, of_place in spans.items() if (usual := usual_of(of_place)) is not None}


def spans_by_hour(start: datetime, end: datetime) -> Iterator[tuple[Place, datetime, Span]]:
    """Requests and failures of each place by the hour. Index: the primary key of events_count_hours (hour first)."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT service_id, environment, endpoint, hour,
                coalesce(sum(event_count) FILTER (WHERE name <> 'api_response_time'), 0)::bigint,
                coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time' AND labels ->> 'status' = '5xx'), 0)::bigint,
                coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint
            FROM events_count_hours JOIN events_series ON events_series.id = series_id
            WHERE hour >= %s AND hour < %s AND endpoint <> ''
                AND (name = 'api_response_time' OR severity IN ('critical', 'error'))
            GROUP BY service_id, environment, endpoint, hour
            """,
            [start, end],
        )
        for service_id, environment, endpoint, hour, errors, bad_answers, requests in cursor.fetchall():
            yield (service_id, environment, endpoint), hour, Span(max(errors, bad_answers), requests)


def details_of(places: Sequence[Place], start: datetime, end: datetime) -> dict[Place, Details]:
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
            WHERE id >= %(first_id)s AND id < %(last_id)s AND occurred_at >= %(start)s AND occurred_at < %(end)s
                AND endpoint = ANY(%(endpoints)s)
                AND (name = 'api_response_time' AND labels ->> 'status' = '5xx'
                    OR name <> 'api_response_time' AND severity IN ('critical', 'error'))
            GROUP BY 1, 2, 3, 4, 5
            """,
            {
                "first_id": lowest_id(start), "last_id": lowest_id(end + _MINUTE), "start": start, "end": end,
                "endpoints": sorted({place[2] for place in places}),
            },
        )  # fmt: skip
        found: dict[Place, Details] = defaultdict(Details)
        for service_id, environment, endpoint, exception, dependency, count, first_at, last_at in cursor.fetchall():
            one = found[service_id, environment, endpoint]
            one.first_at = min(filter(None, (one.first_at, first_at)))
            one.last_at = max(filter(None, (one.last_at, last_at)))
            for word, value in (("exception", exception), ("dependency", dependency)):
                if value:
                    one.words[word][value] += count
    return dict(found)


def first_of(releases: Iterable[tuple[int, str, datetime]], services: set[int], now: datetime) -> dict[str, datetime]:
    """When the releases of the last day were first heard of by one of the services: of service, release and time."""
    found: dict[str, datetime] = {}
    for service_id, release, at in releases:
        if service_id in services and now - RELEASES <= at:
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
