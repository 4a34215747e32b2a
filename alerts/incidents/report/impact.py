"""Whom and what an incident hurt, as far as it was counted: users by their hashes, requests, features and endpoints."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.incidents.impact import KEPT, takes_of
from alerts.incidents.opening import story_of_alert
from alerts.judging import counting
from alerts.judging.counting import Ledger
from alerts.models import Alert, Incident
from events.rollups import FAILURES

_MINUTE = timedelta(minutes=1)
_RESPONSES = "api_response_time"


@dataclass(frozen=True, slots=True)
class Impact:
    """``users_count`` and the requests are None where nothing says which events are of the incident,
    or minutes are no longer kept.

    ``endpoints`` and ``features``: their names and how many requests failed, the most first.
    """

    users_count: int | None = None
    failed_count: int | None = None
    requests_count: int | None = None
    endpoints: Sequence[tuple[str, int]] = field(default_factory=tuple)
    features: Sequence[tuple[str, int]] = field(default_factory=tuple)


def impact_of(incident: Incident, alerts: Sequence[Alert], *, now: datetime) -> Impact:
    """Of the incident's time, from its beginning for as long as minutes are kept; ``alerts`` with their rules."""
    is_about_nothing = not alerts and incident.service_id is None and not incident.issues.exists()
    if is_about_nothing or now - incident.started_at > KEPT:
        return Impact()
    takes = takes_of(incident)
    # Requests are counted at the endpoints that fail, whatever became of them.
    places = {place for alert in alerts for place in story_of_alert(alert).places}
    start = counting.full_minute(incident.started_at)
    end = min(counting.full_minute(incident.ended_at or now) + _MINUTE, start + KEPT)
    ledger = Ledger()
    # Services often tell the same failure both ways: as an event, and as a request that was answered so.
    told: dict[str, int] = defaultdict(int)
    answered: dict[str, int] = defaultdict(int)
    requests = 0
    features: dict[str, int] = defaultdict(int)
    for number, count in counting.counts(ledger, start=start, end=end).items():
        words = ledger.catalogue.words[number]
        if words.name == _RESPONSES:
            if not {(str(words.service_id), words.endpoint), ("", words.endpoint)} & places:
                continue
            requests += count
            if words.label("status") == "5xx":
                answered[words.endpoint] += count
        elif words.severity in FAILURES and takes(words):
            told[words.endpoint] += count
            if feature := words.label("feature"):
                features[feature] += count
    failed = {place: max(told[place], answered[place]) for place in (*told, *answered)}
    users = {
        user
        for number, those in counting.users_by_series(ledger, start=start, end=end, severities=FAILURES).items()
        if takes(ledger.catalogue.words[number])
        for user in those
    }
    return Impact(
        users_count=len(users), failed_count=sum(failed.values()), requests_count=requests or None,
        endpoints=_most_first({place: count for place, count in failed.items() if place}),
        features=_most_first(features),
    )  # fmt: skip


def _most_first(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:20])
