"""Whom an incident hurt, for the tool that mails them: hashes, since Liftmon knows no addresses of users."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings

from alerts.channels import http_sending, webhook
from alerts.channels.outcome import Outcome
from alerts.incidents import impact, timeline
from alerts.incidents.timeline import Person
from alerts.models import Alert, Channel, ChannelKind, Incident, IncidentEntryKind
from alerts.sealing import SealBrokenError, unseal

# Of one message to a webhook: 10,000 hashes are about 350 KB.
PART = 10_000
# More than this is a file to fetch, not messages to wait for.
MOST_SENT = 100_000


class AudienceError(ValueError):
    """It cannot be handed over; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Audience:
    """``hashes`` in order. ``starts_at`` and ``ends_at``: when users were hurt; None while they are."""

    incident: Incident
    hashes: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime | None


def audience_of(incident: Incident, *, now: datetime) -> Audience:
    """Those whom its page counts; up to now while it goes on."""
    alerts = list(Alert.objects.filter(membership__incident=incident).select_related("rule").order_by("pk"))
    found = impact.users_hurt(incident, alerts, now=now)
    return Audience(incident, tuple(found), incident.started_at, incident.ended_at)


# --- Handing it over --------------------------------------------------------------------------------------------------------


def as_csv(audience: Audience) -> Iterator[str]:
    """A column, with its name in the first line."""
    yield "user_hash\r\n"
    yield from (f"{one}\r\n" for one in audience.hashes)


def as_json(audience: Audience) -> str:
    return json.dumps({**_about(audience), "user_hashes": list(audience.hashes)}, indent=1)


def note_download(audience: Audience, *, by: Person, at: datetime) -> str:
    """The sentence that the timeline says of it."""
    text = f"The hashes of {_users(audience)} were downloaded, to tell them."
    timeline.write(audience.incident.pk, IncidentEntryKind.STATUS, at=at, text=text, by=by)
    return text


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
        "environment": audience.incident.environment,
        "started_at": _iso(audience.starts_at),
        "ended_at": audience.ends_at and _iso(audience.ends_at),
        "users_count": len(audience.hashes),
    }


def _users(audience: Audience) -> str:
    return "1 user" if len(audience.hashes) == 1 else f"{len(audience.hashes):,} users"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
