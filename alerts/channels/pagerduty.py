"""PagerDuty, by its Events API v2: one incident for an alert, found again by the alert's own id.

A reminder triggers the same incident again, which pages nobody anew. A test opens an incident of its own that a person resolves:
what resolved itself at once would show that something was accepted, and not that somebody was paged.
"""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

from alerts.channels import http_sending
from alerts.channels.message import AlertMessage, MessageKind, cut, one_line
from alerts.channels.outcome import Outcome, SettingsError, needed, only_known
from events.ingest.types import Severity

SECRET_FIELD = "routing_key"  # noqa: S105 - the name of a field
FIELDS = (SECRET_FIELD, "region", "url")
ENDPOINTS = {
    "us": "https://events.pagerduty.com/v2/enqueue",
    "eu": "https://events.eu.pagerduty.com/v2/enqueue",
}
SUMMARY = 1024
DEDUP_KEY = 255
EVENT_BYTES = 512_000
_KEY_LENGTH = 32
_SHORT = 255
_LINKS = 20
# The event is not what PagerDuty reads: the same bytes will not be, either.
_PERMANENT = frozenset({400})
_SEVERITIES = {
    Severity.CRITICAL: "critical",
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
    Severity.DEBUG: "info",
}


def validated(settings: Mapping[str, str]) -> dict[str, str]:
    """``routing_key`` (32 characters), ``region`` (us or eu), and ``url`` for another receiver of the same events. Raises
    SettingsError."""
    only_known(settings, FIELDS)
    key = needed(settings, SECRET_FIELD, "Enter the integration key of the service's Events API V2 integration.")
    if len(key) != _KEY_LENGTH or not key.isascii() or not key.isalnum():
        raise SettingsError(
            SECRET_FIELD, "An integration key has 32 letters and digits: copy it from the Events API V2 integration."
        )
    region = settings.get("region", "").strip().lower() or "us"
    if region not in ENDPOINTS:
        raise SettingsError("region", f"The region is one of {', '.join(ENDPOINTS)}.")
    found = {SECRET_FIELD: key, "region": region}
    if settings.get("url", "").strip():
        found["url"] = http_sending.url_of(settings, "url", "Leave the URL empty for PagerDuty itself.")
    return found


def send(settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome:
    """Trigger, or resolve when the alert is over."""
    action = "resolve" if message.is_over else "trigger"
    return _enqueue(settings, event(message, action, routing_key=settings[SECRET_FIELD], key=key))


def acknowledge(settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome:
    """Somebody took the alert here: PagerDuty stops paging, too."""
    return _enqueue(settings, event(message, "acknowledge", routing_key=settings[SECRET_FIELD], key=key))


def change(settings: Mapping[str, str], message: AlertMessage, *, key: UUID, receipt: Mapping[str, str]) -> Outcome:
    """PagerDuty finds its incident by the alert, without a receipt."""
    if message.kind is not MessageKind.CHANGED:
        return send(settings, message, key=key)
    if message.acknowledged:
        return acknowledge(settings, message, key=key)
    return Outcome(is_accepted=True, answer="PagerDuty has no word for what changed.")


def event(message: AlertMessage, action: str, *, routing_key: str, key: UUID) -> dict[str, Any]:
    """The event, within PagerDuty's limits. ``action``: trigger, acknowledge or resolve."""
    made: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": dedup_key(message, key=key),
    }
    if action != "trigger":
        return made
    state = "" if message.kind is MessageKind.FIRING else f"[{message.state}] "
    told = one_line(message.what) or message.when
    made |= {
        "client": "Liftmon",
        "links": [
            {"href": link.url, "text": cut(one_line(link.label), _SHORT)} for link in message.usable_links[:_LINKS]
        ],
        "payload": {
            "summary": cut(f"{state}{one_line(message.title)}: {told}", SUMMARY),
            "source": cut(one_line(message.where) or "liftmon", _SHORT),
            "severity": _SEVERITIES[message.severity],
            "timestamp": message.since.astimezone(UTC).isoformat(),
            "component": cut(one_line(message.labels.get("endpoint", "")), _SHORT),
            "group": cut(one_line(message.labels.get("service", "")), _SHORT),
            "class": cut(one_line(message.labels.get("name", "")), _SHORT),
            "custom_details": _details(message),
        },
    }
    if message.url:
        made["client_url"] = message.url
    return _within_limit(made)


def dedup_key(message: AlertMessage, *, key: UUID) -> str:
    """The same from trigger to resolve; a test has one of its own."""
    if message.kind is MessageKind.TEST:
        return f"liftmon:test:{key}"
    return f"liftmon:{message.alert_id}"[:DEDUP_KEY]


def _details(message: AlertMessage) -> dict[str, Any]:
    named, left_out = message.listed()
    details: dict[str, Any] = {
        "what": message.what,
        "where": message.where,
        "users": message.users,
        "when": message.when,
        "growth": message.growth,
        "events": message.event_counts.sentence if message.event_counts else "",
        "likely_cause": message.likely_cause,
        "newest_example": message.newest_example,
        "labels": dict(message.labels),
        "alerts": [f"{one.severity.value}: {one_line(one.title)}" for one in named],
    }
    if left_out:
        details["more_alerts"] = left_out
    return {name: value for name, value in details.items() if value}


def _within_limit(made: dict[str, Any]) -> dict[str, Any]:
    """Without details, then without links, when all of it is too large: that it fires must arrive."""
    if len(http_sending.json_bytes(made)) > EVENT_BYTES:
        made["payload"]["custom_details"] = {"note": "The details were too large to send; they are in Liftmon."}
    if len(http_sending.json_bytes(made)) > EVENT_BYTES:
        made["links"] = []
        made.pop("client_url", None)
    return made


def _enqueue(settings: Mapping[str, str], made: Mapping[str, Any]) -> Outcome:
    url = settings.get("url") or ENDPOINTS[settings.get("region") or "us"]
    return http_sending.post(
        url, http_sending.json_bytes(made), headers={}, permanent=_PERMANENT, secrets=(settings[SECRET_FIELD],)
    )
