"""Whom and what an incident hurt, as far as it was counted: users by their hashes, requests, features and endpoints."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.incidents.opening import story_of_alert
from alerts.judging import counting
from alerts.judging.counting import Ledger, Takes
from alerts.matching import Words
from alerts.models import Alert, ConditionType, Incident
from alerts.outbox import wording
from events.rollups import FAILURES

_MINUTE = timedelta(minutes=1)
# What lasts longer is counted from its beginning for so long.
LONGEST = timedelta(days=7)
_RESPONSES = "api_response_time"


@dataclass(frozen=True, slots=True)
class Impact:
    """``users_count`` and the requests are None where nothing says which events are of the incident.

    ``endpoints`` and ``features``: their names and how many requests failed, the most first.
    """

    users_count: int | None = None
    failed_count: int | None = None
    requests_count: int | None = None
    endpoints: Sequence[tuple[str, int]] = field(default_factory=tuple)
    features: Sequence[tuple[str, int]] = field(default_factory=tuple)


def impact_of(incident: Incident, alerts: Sequence[Alert], *, now: datetime) -> Impact:
    """Of the incident's time; ``alerts`` with their rules. Three queries, and one for each alert about an issue."""
    concerns = _concerns(incident, alerts)
    if concerns is None:
        return Impact()
    start = counting.full_minute(incident.started_at)
    end = min(counting.full_minute(incident.ended_at or now) + _MINUTE, start + LONGEST)
    ledger = Ledger()
    # Services often tell the same failure both ways: as an event, and as a request that was answered so.
    told: dict[str, int] = defaultdict(int)
    answered: dict[str, int] = defaultdict(int)
    requests = 0
    features: dict[str, int] = defaultdict(int)
    for number, count in counting.counts(ledger, start=start, end=end).items():
        words = ledger.catalogue.words[number]
        if words.name == _RESPONSES and concerns.endpoints(words):
            requests += count
            if words.label("status") == "5xx":
                answered[words.endpoint] += count
        elif words.severity in FAILURES and concerns.failures(words):
            told[words.endpoint] += count
            if feature := words.label("feature"):
                features[feature] += count
    failed = {place: max(told[place], answered[place]) for place in (*told, *answered)}
    users = {
        user
        for number, those in counting.users_by_series(ledger, start=start, end=end, severities=FAILURES).items()
        if concerns.failures(ledger.catalogue.words[number])
        for user in those
    }
    return Impact(
        users_count=len(users), failed_count=sum(failed.values()), requests_count=requests or None,
        endpoints=_most_first({place: count for place, count in failed.items() if place}),
        features=_most_first(features),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Concerns:
    failures: Takes
    # Requests are counted at the endpoints that fail, whatever became of them.
    endpoints: Takes


def _concerns(incident: Incident, alerts: Sequence[Alert]) -> _Concerns | None:
    takes: list[Takes] = [_takes_of(alert) for alert in alerts]
    named = set(incident.issues.values_list("service_id", "name"))
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


def _takes_of(alert: Alert) -> Takes:
    if alert.rule.condition != ConditionType.CASCADE:
        return wording.takes_of(alert)
    # Its rule is about everything; it itself about the endpoints that fell.
    story = story_of_alert(alert)

    def takes(words: Words) -> bool:
        is_there = (str(words.service_id), words.endpoint) in story.places
        return is_there and story.environment in ("", words.environment)

    return takes


def _of_service(service_id: int, environment: str) -> Takes:
    return lambda words: words.service_id == service_id and environment in ("", words.environment)


def _most_first(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:20])
