"""Whom an incident hurts: counted from rollups, of what its alerts and issues are about, while it lasts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.judging import counting
from alerts.matching import Words, is_like
from alerts.models import Alert, ConditionType, Incident
from alerts.outbox import wording
from events.rollups import FAILURES

_MINUTE = timedelta(minutes=1)
# Minutes are kept for so long; of an older incident its report keeps the numbers.
KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Hurt:
    """``users`` are those whom failures name, ``failures`` the events. None: it is too long ago for minutes to be kept."""

    users: int | None
    failures: int | None


def hurt(incident: Incident, *, now: datetime) -> Hurt:
    """While users were hurt, until now when they still are."""
    end = counting.full_minute(incident.ended_at or now) + _MINUTE
    start = counting.full_minute(incident.started_at)
    if now - start > KEPT:
        return Hurt(None, None)
    takes = takes_of(incident)
    users = counting.users_of(start=start, end=end, severities=FAILURES, takes=takes)
    ledger = counting.Ledger()
    counted = counting.counts(ledger, start=start, end=end)
    ledger.learn(counted)
    words = ledger.catalogue.words
    failures = sum(
        count
        for number, count in counted.items()
        if (of := words[number]).severity in FAILURES and of.name != "api_response_time" and takes(of)
    )
    return Hurt(len(users), failures)


def takes_of(incident: Incident) -> Callable[[Words], bool]:
    """Whether counters with some words are of this incident: of one of its alerts or issues; with neither, of its service."""
    alerts = list(Alert.objects.filter(membership__incident=incident).select_related("rule").order_by("pk"))
    told = [_takes_of_alert(one) for one in alerts]
    issues = set(incident.issues.values_list("service_id", "name"))
    if not told and not issues:
        service, environment = incident.service_id, incident.environment
        return lambda words: (
            service is not None
            and words.service_id == service
            and (not environment or words.environment == environment)
        )
    return lambda words: (words.service_id, words.name) in issues or any(takes(words) for takes in told)


def _takes_of_alert(alert: Alert) -> Callable[[Words], bool]:
    """What the alert's rule and group are about; of a cascade what fails at its members, of an event what fails at its endpoint."""
    members = alert.evidence.get("members") if alert.rule.condition == ConditionType.CASCADE else None
    if isinstance(members, list) and members:
        places = {(str(one.get("service", "")), str(one.get("endpoint", ""))) for one in members}
        environment = str(alert.labels.get("environment") or "")
        return lambda words: (
            (str(words.service_id), words.endpoint) in places
            and (not environment or is_like(words.environment, environment))
        )
    return wording.takes_of(alert)
