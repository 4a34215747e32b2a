"""A webhook of anybody's, signed as Standard Webhooks ask, so that the receiver can tell it from a stranger's.

A secret is exchanged without a gap: the new one is put in front of the old one, each message carries a signature by both, and the
old one is taken out when the receiver knows the new one.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from alerts.channels import http_sending
from alerts.channels.message import AlertMessage, ListedAlert
from alerts.channels.outcome import Outcome, SettingsError, needed, only_known
from alerts.channels.written_message import WrittenMessage

SECRET_FIELD = "secret"  # noqa: S105 - the name of a field
FIELDS = ("url", SECRET_FIELD)
PREFIX = "whsec_"
_SECRET_BYTES = range(24, 65)
# Gone: the receiver says that it is not coming back.
_PERMANENT = frozenset({410})


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def validated(settings: Mapping[str, str]) -> dict[str, str]:
    """``url``, and ``secret``: one or more of ``whsec_…``, newest first, with spaces between them. Raises SettingsError."""
    only_known(settings, FIELDS)
    url = http_sending.url_of(settings, "url", "Enter the address that shall receive the alerts, as https://host/path.")
    text = needed(settings, SECRET_FIELD, "Enter a secret (whsec_…) that the receiver knows, too.")
    known = text.replace(",", " ").split()
    for one in known:
        _key_of(one)
    return {"url": url, SECRET_FIELD: " ".join(known)}


def send(settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome:
    return _posted(settings, document(message), key=key)


def tell(settings: Mapping[str, str], message: WrittenMessage, *, key: UUID) -> Outcome:
    """What is written already: ``{type: "digest", timestamp, data: {subject, text}}``."""
    told = {"subject": message.subject, "text": message.text}
    return _posted(settings, {"type": "digest", "timestamp": _iso(datetime.now(UTC)), "data": told}, key=key)


def _posted(settings: Mapping[str, str], said: Mapping[str, Any], *, key: UUID) -> Outcome:
    body = http_sending.json_bytes(said)
    known = settings[SECRET_FIELD].split()
    # The key is the same whenever this is tried again, the time is that of the attempt.
    headers = signed_headers(str(key), int(time.time()), body, known)
    return http_sending.post(settings["url"], body, headers=headers, permanent=_PERMANENT, secrets=tuple(known))


def signed_headers(message_id: str, timestamp: int, body: bytes, known: list[str]) -> dict[str, str]:
    """``webhook-id``, ``webhook-timestamp`` (Unix seconds) and ``webhook-signature``: a signature by each secret."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = (hmac.new(_key_of(one), content, hashlib.sha256).digest() for one in known)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
    }


def document(message: AlertMessage) -> dict[str, Any]:
    """``{type, timestamp, data}``; the type is ``alert.firing``, ``alert.repeat``, ``alert.resolved``, ``alert.test`` or
    ``alert.late``: a step of an incident's runbook, whose number is the label ``incident``."""
    counts = message.event_counts
    return {
        "type": f"alert.{message.kind.value}",
        "timestamp": _iso(message.at),
        "data": {
            "alert_id": message.alert_id,
            "severity": message.severity.value,
            "title": message.title,
            "what": message.what,
            "where": message.where,
            "users_count": message.users_count,
            "since": _iso(message.since),
            "resolved_at": _iso(message.resolved_at),
            "growth": message.growth,
            "newest_example": message.newest_example,
            "likely_cause": message.likely_cause,
            "runbook_url": message.runbook_url,
            "url": message.url,
            "links": [{"label": link.label, "url": link.url} for link in message.links if link.is_usable],
            "labels": dict(message.labels),
            "event_counts": counts
            and {"total": counts.total, "window_seconds": counts.window_seconds, "steps": list(counts.steps)},
            "alerts_count": message.storm_count,
            "alerts": [_listed(one) for one in message.alerts],
        },
    }


def _listed(one: ListedAlert) -> dict[str, Any]:
    return {
        "alert_id": one.alert_id,
        "severity": one.severity.value,
        "title": one.title,
        "where": one.where,
        "since": _iso(one.since),
        "resolved_at": _iso(one.resolved_at),
        "url": one.url,
        "labels": dict(one.labels),
    }


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def _key_of(text: str) -> bytes:
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(PREFIX) or len(key) not in _SECRET_BYTES:
        raise SettingsError(
            SECRET_FIELD, "A secret is whsec_ followed by 24 to 64 random bytes in base64; let Liftmon make one."
        )
    return key
