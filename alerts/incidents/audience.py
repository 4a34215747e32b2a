"""Whom an incident hurt, for the tool that mails them: hashes, since Liftmon knows no addresses of users.

A user was hurt when a failure that the incident is about named them in the time in which it hurt anybody.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings

from alerts.channels import http_sending, webhook
from alerts.channels.outcome import Outcome
from alerts.incidents import timeline
from alerts.incidents.opening import story_of_alert
from alerts.incidents.timeline import Person
from alerts.judging import counting
from alerts.matching import Words
from alerts.models import Alert, Channel, ChannelKind, ConditionType, Incident, IncidentEntryKind
from alerts.outbox import wording
from alerts.sealing import SealBrokenError, unseal
from events.rollups import FAILURES

# Of one message to a webhook: 10,000 hashes are about 700 KB.
PART = 10_000
# More than this is a file to fetch, not messages to wait for.
MOST_SENT = 100_000
_MINUTE = timedelta(minutes=1)


class AudienceError(ValueError):
    """It cannot be handed over; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Audience:
    """``hashes`` in order. ``start`` and ``end``: the time that was looked at, the end is the full minute after."""

    incident: Incident
    hashes: tuple[str, ...]
    start: datetime
    end: datetime
    environment: str = ""


def audience_of(incident: Incident, *, now: datetime) -> Audience:
    """Up to now while it goes on."""
    start = counting.full_minute(incident.started_at)
    end = counting.full_minute(incident.ended_at or now) + _MINUTE
    takes = _takes(incident)
    found = counting.users_failing(start=start, end=end, severities=FAILURES, takes=takes)
    return Audience(incident, tuple(sorted(found)), start, end, incident.environment)


def _takes(incident: Incident) -> counting.Takes:
    """Whether counters with some words are about it: by its alerts and issues; without either, by its service."""
    alerts = Alert.objects.filter(membership__incident=incident).select_related("rule").order_by("pk")
    ways: list[Callable[[Words], bool]] = [_takes_of(alert) for alert in alerts]
    issues = set(incident.issues.values_list("service_id", "name"))
    if issues:
        ways.append(lambda words: (words.service_id, words.name) in issues)
    if not ways:
        ways.append(lambda words: incident.service_id in (None, words.service_id))

    def takes(words: Words) -> bool:
        return incident.environment in ("", words.environment) and any(way(words) for way in ways)

    return takes


def _takes_of(alert: Alert) -> counting.Takes:
    """Of a cascade the endpoints that failed together: its rule matches whatever fails anywhere."""
    if alert.rule.condition != ConditionType.CASCADE:
        return wording.takes_of(alert)
    places = story_of_alert(alert).places
    return lambda words: (str(words.service_id), words.endpoint) in places


# --- Handing it over --------------------------------------------------------------------------------------------------------


def as_csv(audience: Audience) -> Iterator[str]:
    """A column, with its name in the first line."""
    yield "user_hash\r\n"
    yield from (f"{one}\r\n" for one in audience.hashes)


def as_json(audience: Audience) -> str:
    return json.dumps({**_about(audience), "user_hashes": list(audience.hashes)}, indent=1)


def note_download(audience: Audience, *, by: Person, at: datetime) -> None:
    text = f"The hashes of {_users(audience)} were downloaded, to tell them."
    timeline.write(audience.incident.pk, IncidentEntryKind.STATUS, at=at, text=text, by=by)


def channels() -> Sequence[Channel]:
    """Those that can take it: their messages are signed."""
    rows = Channel.objects.filter(kind=ChannelKind.WEBHOOK, is_enabled=True, contact_point__isnull=True)
    return list(rows.order_by("name", "pk"))


def hand_over(audience: Audience, channel: Channel, *, by: Person, at: datetime) -> str:
    """POST it to a signed webhook, in parts; the sentence that says what became of it. Raises AudienceError."""
    if channel.kind != ChannelKind.WEBHOOK or not channel.is_enabled:
        raise AudienceError("Choose a webhook that is switched on: its messages are signed.")
    if not audience.hashes:
        raise AudienceError("Nobody is known to have been hurt: there is nothing to hand over.")
    if len(audience.hashes) > MOST_SENT:
        raise AudienceError(f"More than {MOST_SENT:,} users are too many messages: download the file instead.")
    try:
        values = unseal(channel.sealed_settings)
    except SealBrokenError as error:
        raise AudienceError(str(error)) from None
    parts = [audience.hashes[first : first + PART] for first in range(0, len(audience.hashes), PART)]
    for number, hashes in enumerate(parts, start=1):
        outcome = _send(audience, values, hashes, number, len(parts), at)
        if not outcome.is_accepted:
            taken = f" {number - 1} of {len(parts)} parts were taken before." if number > 1 else ""
            status = f" ({outcome.status})" if outcome.status else ""
            said = f"{channel} did not take the hashes of {_users(audience)}{status}: {outcome.answer[:300]}.{taken}"
            timeline.write(audience.incident.pk, IncidentEntryKind.STATUS, at=at, text=said, by=by)
            raise AudienceError(said)
    said = f"The hashes of {_users(audience)} were handed to {channel}, to tell them."
    timeline.write(audience.incident.pk, IncidentEntryKind.STATUS, at=at, text=said, by=by)
    return said


def _send(
    audience: Audience, values: dict[str, str], hashes: Sequence[str], number: int, of: int, at: datetime
) -> Outcome:
    document = {
        "type": "incident.audience",
        "timestamp": _iso(at),
        "data": {**_about(audience), "part": number, "parts": of, "user_hashes": list(hashes)},
    }
    body = http_sending.json_bytes(document)
    known = values[webhook.SECRET_FIELD].split()
    key = uuid5(NAMESPACE_URL, f"liftmon:audience:{audience.incident.pk}:{at.timestamp()}:{number}")
    headers = webhook.signed_headers(str(key), int(time.time()), body, known)
    return http_sending.post(values["url"], body, headers=headers, permanent=(), secrets=tuple(known))


def _about(audience: Audience) -> dict[str, object]:
    return {
        "incident_id": audience.incident.pk,
        "url": f"{settings.BASE_URL}/status/incident/{audience.incident.pk}/",
        "environment": audience.environment,
        "from": _iso(audience.start),
        "to": _iso(audience.end),
        "users_count": len(audience.hashes),
    }


def _users(audience: Audience) -> str:
    return "1 user" if len(audience.hashes) == 1 else f"{len(audience.hashes):,} users"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
