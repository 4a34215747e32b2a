"""What the channels that speak HTTP have in common: a URL from the settings, JSON out, an outcome back."""

import json
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from alerts import outbound_http
from alerts.channels.outcome import Outcome, SettingsError, judged, needed


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Compact UTF-8. A lone surrogate that came with somebody's event becomes a question mark: receivers refuse it, for good."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    permanent: Container[int],
    secrets: tuple[str, ...] = (),
) -> Outcome:
    """``permanent``: the statuses after which sending again is useless. The URL and ``secrets`` never stand in the answer."""
    try:
        answer = outbound_http.post(url, body, headers={"Content-Type": "application/json", **headers})
    except outbound_http.OutboundError as error:
        outcome = Outcome(is_accepted=False, is_permanent=isinstance(error, outbound_http.UrlError), answer=str(error))
    else:
        outcome = judged(
            answer.status,
            answer.body,
            permanent=permanent,
            retry_after=answer.headers.get("retry-after", ""),
            now=datetime.now(UTC),
        )
    return outcome.without((*_secret_parts(url), *secrets))


def url_of(settings: Mapping[str, str], field: str, fix: str) -> str:
    """The URL in a field. Raises SettingsError that names the field and the fix."""
    url = needed(settings, field, fix)
    try:
        outbound_http.read_url(url)
    except outbound_http.UrlError as error:
        raise SettingsError(field, str(error)) from None
    return url


def header_value(text: str, field: str) -> str:
    """A text that may stand in a header. Raises SettingsError for line breaks and what is not ASCII."""
    if not text.isascii() or not text.isprintable():
        raise SettingsError(
            field, "Only printable ASCII characters can be sent here: enter it again without line breaks."
        )
    return text


def _secret_parts(url: str) -> tuple[str, ...]:
    """The URL, its path and its query, in case that the other side repeats them."""
    try:
        parts = parse_url(url)
    except LocationParseError:
        return (url,)
    return (url, parts.url, parts.request_uri, parts.path or "", parts.query or "")
