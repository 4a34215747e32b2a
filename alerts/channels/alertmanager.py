"""A webhook with the JSON of Prometheus Alertmanager (version 4), for receivers that already read it."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from alerts.channels import http_sending
from alerts.channels.message import AlertMessage, ListedAlert, one_line
from alerts.channels.outcome import Outcome, only_known

SECRET_FIELD = "bearer_token"  # noqa: S105 - the name of a field
FIELDS = ("url", SECRET_FIELD, "receiver")
_PERMANENT = frozenset({410})
# How Go writes a time that is not known: the alert has no end yet.
_NEVER = "0001-01-01T00:00:00Z"


def validated(settings: Mapping[str, str]) -> dict[str, str]:
    """``url``; ``bearer_token`` and ``receiver`` (a name) may be empty. Raises SettingsError."""
    only_known(settings, FIELDS)
    found = {
        "url": http_sending.url_of(
            settings, "url", "Enter the address that shall receive the alerts, as https://host/path."
        ),
        "receiver": one_line(settings.get("receiver", "")) or "liftmon",
    }
    if token := settings.get(SECRET_FIELD, "").strip():
        found[SECRET_FIELD] = http_sending.header_value(token, SECRET_FIELD)
    return found


def send(settings: Mapping[str, str], message: AlertMessage, *, key: UUID) -> Outcome:
    token = settings.get(SECRET_FIELD, "")
    headers = {"Idempotency-Key": str(key)} | ({"Authorization": f"Bearer {token}"} if token else {})
    body = http_sending.json_bytes(document(message, receiver=settings.get("receiver") or "liftmon"))
    return http_sending.post(settings["url"], body, headers=headers, permanent=_PERMANENT, secrets=(token,))


def document(message: AlertMessage, *, receiver: str) -> dict[str, Any]:
    """The whole group as one document: each alert of a storm, or the one alert."""
    alerts = [_listed(one) for one in message.alerts] or [_single(message)]
    group = {"alertname": one_line(message.title)}
    return {
        "version": "4",
        "groupKey": f'{{}}:{{liftmon_alert="{message.alert_id}"}}',
        "truncatedAlerts": max(message.storm_count - len(message.alerts), 0),
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "receiver": receiver,
        "groupLabels": group,
        "commonLabels": _common([one["labels"] for one in alerts]),
        "commonAnnotations": _common([one["annotations"] for one in alerts]),
        "externalURL": message.url,
        "alerts": alerts,
    }


def _single(message: AlertMessage) -> dict[str, Any]:
    annotations = {
        "summary": message.headline,
        "description": message.what,
        "where": message.where,
        "users": message.users,
        "growth": message.growth,
        "events": message.event_counts.sentence if message.event_counts else "",
        "likely_cause": message.likely_cause,
        "newest_example": message.newest_example,
        "runbook_url": message.runbook_url,
    }
    labels = _labels(message.title, message.severity.value, message.labels)
    ended_at = message.resolved_at or (message.at if message.is_over else None)
    return _alert(labels, annotations, message.since, ended_at, message.url)


def _listed(one: ListedAlert) -> dict[str, Any]:
    annotations = {"summary": f"{one.severity.value.capitalize()}: {one_line(one.title)}", "where": one.where}
    labels = _labels(one.title, one.severity.value, one.labels)
    return _alert(labels, annotations, one.since, one.resolved_at, one.url)


def _alert(
    labels: dict[str, str], annotations: dict[str, str], since: datetime, ended_at: datetime | None, url: str
) -> dict[str, Any]:
    return {
        "status": "resolved" if ended_at else "firing",
        "labels": labels,
        "annotations": {name: value for name, value in annotations.items() if value},
        "startsAt": _rfc3339(since),
        "endsAt": _rfc3339(ended_at) if ended_at else _NEVER,
        "generatorURL": url,
        "fingerprint": _fingerprint(labels),
    }


def _labels(title: str, severity: str, labels: Mapping[str, str]) -> dict[str, str]:
    """Prometheus allows letters, digits and underscores in the name of a label; an empty value is none."""
    named = {re.sub(r"[^a-zA-Z0-9_]", "_", name): value for name, value in sorted(labels.items()) if name and value}
    named = {name if not name[0].isdigit() else f"_{name}": value for name, value in named.items()}
    return {**named, "alertname": one_line(title), "severity": severity}


def _fingerprint(labels: dict[str, str]) -> str:
    """16 hex digits that are the same whenever the labels are: by them a receiver knows an alert again."""
    return hashlib.blake2b(json.dumps(labels, sort_keys=True).encode(), digest_size=8).hexdigest()


def _common(sets: list[dict[str, str]]) -> dict[str, str]:
    first, *others = sets
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
