"""The first steps of a service: made with its keys, and shown how to send."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from events.models import IngestKey, KeyKind, Service

if TYPE_CHECKING:
    from django.contrib.auth.models import User

INGEST_PATH = "/api/analytics/track"


@dataclass(frozen=True, slots=True)
class KeyTexts:
    """The texts of a new service's keys; the secret one is not stored and never to be had again."""

    secret: str
    public: str


def create_service(*, name: str, owner: "User | None" = None) -> tuple[Service, KeyTexts]:
    """Make a service with one secret and one public key. Raises ValueError when the name is taken or empty."""
    name = name.strip()
    if problem := Service.problem_with_name(name):
        raise ValueError(problem)
    with transaction.atomic():
        service = Service.objects.create(name=name, slug=slugify(name)[:60], owner=owner)
        _, secret = IngestKey.issue(service, KeyKind.SECRET, label="first")
        _, public = IngestKey.issue(service, KeyKind.PUBLIC, label="first")
    return service, KeyTexts(secret, public)


def ingest_url() -> str:
    return f"{settings.BASE_URL}{INGEST_PATH}"


def dsn(service: Service, public_key: str) -> str:
    """What Sentry SDKs call a DSN: scheme://KEY@host/SERVICE_ID."""
    parts = urlsplit(settings.BASE_URL)
    return f"{parts.scheme}://{public_key}@{parts.netloc}{parts.path}/{service.pk}"


def curl_line(key: str) -> str:
    """A line for a shell that sends one believable failure."""
    body = {
        "event": "api_timeout",
        "data": {
            "severity": "error",
            "message": "career advice timed out",
            "endpoint": "/api/career",
            "duration_ms": 10050,
            "user_id": "u-42",
            "fallback_used": "template",
        },
    }
    return (
        f"curl -sS {ingest_url()} -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d '{json.dumps(body)}'"
    )


def api_curl_line(token: str, person: "User") -> str:
    """A line for a shell that reads, with an API token, the first thing that its person may read."""
    asked = {"issue": "issues?status=unresolved", "event": "events?severity=error,critical", "service": "services"}
    noun = next((noun for noun in asked if person.has_perm(f"events.view_{noun}")), "issue")
    return f"curl -sS '{settings.BASE_URL}/api/v1/{asked[noun]}' -H 'Authorization: Bearer {token}'"


def snippets(service: Service, keys: KeyTexts) -> dict[str, object]:
    """What a script or a person needs to send: `createservice --json` prints exactly this."""
    return {
        "id": service.pk,
        "slug": service.slug,
        "secret_key": keys.secret,
        "public_key": keys.public,
        "dsn": dsn(service, keys.public),
        "ingest_url": ingest_url(),
        "curl": curl_line(keys.secret),
    }
