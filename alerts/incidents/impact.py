"""Whom and what an incident hurt, as far as it was counted: users, requests, features and endpoints. Reads rollups, never events.

Users are counted by the minute for 8 days, by the hour for 100, and by the day after that: an old incident is counted by whole
hours or days around it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from alerts.incidents.opening import story_of_alert
from alerts.judging import counting
from alerts.judging.counting import Ledger, Takes
from alerts.matching import Words
from alerts.models import Alert, ConditionType, Incident
from events.models import Issue
from events.rollup_tables import CHUNK, COUNT_MINUTES_KEPT, FACTS, FAILURES, HOURS_KEPT, MINUTES_KEPT

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# What lasts longer is counted from its beginning for so long.
LONGEST = timedelta(days=7)
_RESPONSES = "api_response_time"
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Impact:
    """``users_count`` and the requests are None where nothing says which events are of the incident.

    ``failed_count``: requests that failed; ``requests_count``: all requests of the endpoints that fail, None where none are told.
    ``endpoints`` and ``features``: their names and how many requests failed, the most first.
    """

    users_count: int | None = None
    failed_count: int | None = None
    requests_count: int | None = None
    endpoints: Sequence[tuple[str, int]] = field(default_factory=tuple)
    features: Sequence[tuple[str, int]] = field(default_factory=tuple)


def impact_of(incident: Incident, alerts: Sequence[Alert], *, now: datetime) -> Impact:
    """Within the incident's time; ``alerts`` are its own, with their rules. At most six queries, however many alerts."""
    concerns = _concerns(incident, alerts)
    if concerns is None:
        return Impact()
    span = _span(incident, now)
    with counting.one_moment(), connection.cursor() as cursor:
        impact, series = _requests(concerns, span, now)
        cursor.execute(_COUNT, _whom(series, concerns.failures, span, now))
        return replace(impact, users_count=int(cursor.fetchone()[0]))


def users_hurt(incident: Incident, alerts: Sequence[Alert], *, now: datetime) -> list[str]:
    """The hashes of the users that `impact_of` counts, in alphabetical order."""
    concerns = _concerns(incident, alerts)
    if concerns is None:
        return []
    span = _span(incident, now)
    with counting.one_moment(), connection.cursor() as cursor:
        _, series = _requests(concerns, span, now)
        cursor.execute(_HASHES, _whom(series, concerns.failures, span, now))
        return [row[0] for row in cursor.fetchall()]


def _requests(concerns: "_Concerns", span: "_Span", now: datetime) -> tuple[Impact, list[int]]:
    """All but the users, and the numbers of the folded series whose failures are the incident's."""
    ledger = Ledger()
    counts = counting.counts(ledger, start=_down(span.start, now, COUNT_MINUTES_KEPT), end=_up(span.end, now))
    return _told(counts, ledger, concerns)


def _told(counts: Mapping[int, int], ledger: Ledger, concerns: "_Concerns") -> tuple[Impact, list[int]]:
    # Services often tell the same failure both ways: as an event, and as a request that was answered so.
    told: dict[str, int] = defaultdict(int)
    answered: dict[str, int] = defaultdict(int)
    features: dict[str, int] = defaultdict(int)
    requests, hurt_by = 0, []
    for number, count in counts.items():
        words = ledger.catalogue.words[number]
        if words.name == _RESPONSES and concerns.endpoints(words):
            requests += count
            if words.label("status") == "5xx":
                answered[words.endpoint] += count
        elif words.severity in FAILURES and concerns.failures(words):
            told[words.endpoint] += count
            if feature := words.label("feature"):
                features[feature] += count
        if number > 0 and words.severity in FAILURES and concerns.failures(words):
            hurt_by.append(number)
    # A failure that names no endpoint is none of a request.
    failed = {place: max(told[place], answered[place]) for place in (*told, *answered) if place}
    impact = Impact(
        failed_count=sum(failed.values()), requests_count=requests or None, endpoints=_most_first(failed),
        features=_most_first(features),
    )  # fmt: skip
    return impact, hurt_by


def _most_first(counts: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:_LISTED])


# --- When -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Span:
    """Whole minutes."""

    start: datetime
    end: datetime


def _span(incident: Incident, now: datetime) -> _Span:
    start = counting.full_minute(incident.started_at)
    return _Span(start, min(counting.full_minute(incident.ended_at or now) + _MINUTE, start + LONGEST))


def _down(at: datetime, now: datetime, kept: timedelta) -> datetime:
    """To the full hour where minutes are no longer kept; an hour of grace, as they are deleted while it runs."""
    return at if now - at < kept - _HOUR else _floor(at, _HOUR)


def _up(at: datetime, now: datetime) -> datetime:
    return _ceil(at, _HOUR) if _down(at, now, COUNT_MINUTES_KEPT) != at else at


def _floor(at: datetime, grain: timedelta) -> datetime:
    at = at.astimezone(UTC)
    return at - (at - datetime.min.replace(tzinfo=UTC)) % grain


def _ceil(at: datetime, grain: timedelta) -> datetime:
    low = _floor(at, grain)
    return low if low == at else low + grain


# --- Whom -------------------------------------------------------------------------------------------------------------


def _whom(series: Sequence[int], takes: Takes, span: _Span, now: datetime) -> dict[str, Any]:
    """What _MERGED is asked with: users of these series, and of what is not folded yet those that ``takes`` it.

    Indexes: the primary keys of events_user_minutes, events_users_hours and events_users_days (time, series).
    """
    start, end = span.start, span.end
    if now - start >= HOURS_KEPT - _DAY:
        days = (_floor(start, _DAY), _ceil(end, _DAY))
        hours, minutes = (end, end), [(end, end)]
    else:
        is_by_minute = now - start < MINUTES_KEPT - _HOUR
        hours = (_ceil(start, _HOUR), _floor(end, _HOUR)) if is_by_minute else (_floor(start, _HOUR), _ceil(end, _HOUR))
        hours = hours if hours[0] < hours[1] else (end, end)
        days, minutes = (end, end), [(start, hours[0]), (hours[1], end)] if is_by_minute else [(end, end)]
    return {
        "series": list(series), "fresh": sorted(_fresh_users(takes, span)), "days_start": days[0], "days_end": days[1],
        "hours_start": hours[0], "hours_end": hours[1], "from": [one[0] for one in minutes], "to": [one[1] for one in minutes],
    }  # fmt: skip


_MERGED = f"""
    WITH numbers AS (
        SELECT user_id FROM unnest(%(from)s::timestamptz[], %(to)s::timestamptz[]) AS part (starts_at, ends_at)
        JOIN events_user_minutes ON minute >= starts_at AND minute < ends_at AND series_id = ANY(%(series)s)
        UNION SELECT id FROM events_usernumber WHERE user_hash = ANY(%(fresh)s)
    ), sets AS (
        SELECT user_id / {CHUNK} AS chunk, events_set_of_users(array_agg(mod(user_id, {CHUNK}))) AS users
        FROM numbers GROUP BY 1
        UNION ALL SELECT chunk, users FROM events_users_hours
        WHERE hour >= %(hours_start)s AND hour < %(hours_end)s AND series_id = ANY(%(series)s)
        UNION ALL SELECT chunk, users FROM events_users_days
        WHERE day >= %(days_start)s AND day < %(days_end)s AND series_id = ANY(%(series)s)
    ), merged AS (SELECT chunk, bit_or(users) AS users FROM sets GROUP BY chunk), unnumbered AS (
        SELECT user_hash FROM unnest(%(fresh)s::text[]) AS fresh (user_hash)
        WHERE NOT EXISTS (SELECT FROM events_usernumber AS known WHERE known.user_hash = fresh.user_hash)
    )
"""
_COUNT = f"""{_MERGED}
    SELECT coalesce(sum(bit_count(users)), 0)::bigint + (SELECT count(*) FROM unnumbered) FROM merged
"""
_HASHES = f"""{_MERGED}
    SELECT user_hash FROM merged CROSS JOIN generate_series(0, {CHUNK - 1}) AS place
    JOIN events_usernumber ON id = chunk * {CHUNK} + place WHERE get_bit(users, place) = 1
    UNION ALL SELECT user_hash FROM unnumbered ORDER BY user_hash
"""


def _fresh_users(takes: Takes, span: _Span) -> set[str]:
    """Those of the last seconds, which are not folded yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT DISTINCT {counting.WORDS}, user_hash FROM {FACTS}
            WHERE minute >= %(start)s AND minute < %(end)s AND user_hash <> '' AND severity = ANY(%(severities)s)
            """,
            {"start": span.start, "end": span.end, "severities": list(FAILURES)},
        )
        return {row[7] for row in cursor.fetchall() if takes(counting.words_of(row))}


# --- Which events -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Concerns:
    failures: Takes
    # Requests are counted at the endpoints that fail, whatever became of them.
    endpoints: Takes


def _concerns(incident: Incident, alerts: Sequence[Alert]) -> _Concerns | None:
    """The failures of its alerts and issues; of an incident that has neither, of its service. None when nothing is known."""
    of_issues = _issues_of(incident, alerts)
    takes = [_takes_of(alert, of_issues) for alert in alerts]
    named = {words for words, is_linked in of_issues.values() if is_linked}
    if named:
        takes.append(lambda words: (words.service_id, words.name) in named)
    if not takes and incident.service_id is not None:
        takes.append(_of_service(incident.service_id, incident.environment))
    if not takes:
        return None
    places = {place for alert in alerts for place in story_of_alert(alert).places}

    def is_concerned(words: Words) -> bool:
        return any(one(words) for one in takes)

    def is_there(words: Words) -> bool:
        return (str(words.service_id), words.endpoint) in places or ("", words.endpoint) in places

    return _Concerns(is_concerned, is_there)


type _Issues = Mapping[str, tuple[tuple[int, str], bool]]


def _issues_of(incident: Incident, alerts: Iterable[Alert]) -> _Issues:
    """The issues that it has or that its alerts are about, by number: service and name, and whether it has it itself."""
    linked = {str(pk) for pk in incident.issue_links.values_list("issue_id", flat=True)}
    wanted = linked | {str(alert.labels["issue"]) for alert in alerts if alert.labels.get("issue")}
    rows = Issue.objects.filter(pk__in=[int(one) for one in wanted if one.isdigit()])
    return {
        str(pk): ((service_id, name), str(pk) in linked)
        for pk, service_id, name in rows.values_list("pk", "service_id", "name")
    }


def _takes_of(alert: Alert, of_issues: _Issues) -> Takes:
    if alert.rule.condition == ConditionType.CASCADE:
        # Its rule is about everything; it itself about the endpoints that fell.
        story = story_of_alert(alert)
        return lambda words: (
            (str(words.service_id), words.endpoint) in story.places and story.environment in ("", words.environment)
        )
    labels = {word: value for word, value in alert.labels.items() if word != "issue"}
    if number := alert.labels.get("issue"):
        # Counters know no issues: of one, those of its name.
        (service_id, name), _ = of_issues.get(str(number), ((0, ""), False))
        labels |= {"service": str(service_id), "name": name}
    match = alert.rule.match
    return lambda words: match.takes(words) and all(words.label(word) == value for word, value in labels.items())


def _of_service(service_id: int, environment: str) -> Takes:
    return lambda words: words.service_id == service_id and environment in ("", words.environment)
