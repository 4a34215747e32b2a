"""Which service sends: the key of a request, wherever a client can put it."""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.http import QueryDict

from events.api.problems import Problem
from events.ingest.known import KnownKey, known
from events.models import IngestKey

_HOW = "Send it as “Authorization: Bearer KEY”, as “X-Ingest-Key: KEY”, or as ?key=KEY."


def authenticate(environ: Mapping[str, Any], *, now: datetime) -> KnownKey:
    """The usable key that a request carries, from its WSGI environment.

    Raises Problem: 401 (no key), 403 (wrong, revoked, foreign origin); django.db.Error when PostgreSQL has to be asked and is away.
    """
    text = _find_key(environ)
    if not text:
        raise Problem(401, "missing_key", f"No ingest key. {_HOW}")
    digest = IngestKey.digest_of(text)
    key = known.key(digest)
    # The table finds by digest; the comparison that decides takes the same time for every key.
    if key is None or not hmac.compare_digest(key.digest, digest):
        raise Problem(403, "unknown_key", "This key is not known here. Copy it again from Set up → Services.")
    if not key.is_usable(at=now):
        raise Problem(403, "revoked_key", "This key was revoked. Make a new one under Set up → Services.")
    if not origin_is_allowed(key, environ.get("HTTP_ORIGIN", "")):
        raise Problem(
            403, "origin_not_allowed", "Pages of this origin may not send with this key. Add it to the key's origins."
        )
    return key


def _find_key(environ: Mapping[str, Any]) -> str:
    scheme, _, credentials = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        return str(credentials.strip())
    if key := environ.get("HTTP_X_INGEST_KEY", "").strip():
        return str(key)
    query = environ.get("QUERY_STRING", "")
    return QueryDict(query).get("key", "").strip() if "key=" in query else ""


def origin_is_allowed(key: KnownKey, origin: str) -> bool:
    """Whether a page of ``origin`` may use the key. Servers send no Origin and are not asked; secret keys have none."""
    if not key.is_public or not key.allowed_origins or not origin:
        return True
    return any(_matches(origin.lower(), allowed.lower().rstrip("/")) for allowed in key.allowed_origins)


def _matches(origin: str, allowed: str) -> bool:
    if "://*." not in allowed:
        return origin == allowed
    scheme, _, suffix = allowed.partition("://*")
    parts = urlsplit(origin)
    return parts.scheme == scheme and parts.netloc.endswith(suffix)
