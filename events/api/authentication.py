"""Which service sends: the key of a request, wherever a client can put it."""

import hmac
from datetime import datetime
from urllib.parse import urlsplit

from rest_framework.request import Request

from events.api.problems import Problem
from events.ingest.known import KnownKey, known
from events.models import IngestKey

_HOW = "Send it as “Authorization: Bearer KEY”, as “X-Ingest-Key: KEY”, or as ?key=KEY."


def authenticate(request: Request, *, now: datetime) -> KnownKey:
    """The usable key that the request carries. Raises Problem 401 (none) or 403 (wrong, revoked, foreign origin)."""
    text = _find_key(request)
    if not text:
        raise Problem(401, "missing_key", f"No ingest key. {_HOW}")
    digest = IngestKey.digest_of(text)
    key = known.key(digest)
    # The table finds by digest; the comparison that decides takes the same time for every key.
    if key is None or not hmac.compare_digest(key.digest, digest):
        raise Problem(403, "unknown_key", "This key is not known here. Copy it again from Set up → Services.")
    if not key.is_usable(at=now):
        raise Problem(403, "revoked_key", "This key was revoked. Make a new one under Set up → Services.")
    if not origin_is_allowed(key, request.headers.get("Origin", "")):
        raise Problem(
            403, "origin_not_allowed", "Pages of this origin may not send with this key. Add it to the key's origins."
        )
    return key


def _find_key(request: Request) -> str:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    return request.headers.get("X-Ingest-Key", "").strip() or request.query_params.get("key", "").strip()


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
