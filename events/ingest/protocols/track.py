"""The native protocol, as the tracking guide calls it: ``{"event": NAME, "data": {…}}``.

A known field may stand at the top level or inside ``data``; the top level wins. What stands in ``data`` stays there (the
guide's queries read it), except the structured fields, which have columns of their own. Unknown fields end up in ``data``.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson

from events.ingest.repair import (
    MAX_KEYS,
    MAX_TEXT,
    TooDeepError,
    mend,
    mend_key,
    mend_text,
    read_number,
    read_text,
    read_time,
)
from events.ingest.stacktrace import parse_stack, read_exception
from events.ingest.types import ExceptionValue, IncomingEvent, Kind, Mark, Severity

_EVENT_ID_NAMESPACE = UUID("8d3c7a52-54c5-4c8e-9a3c-0d6b3b0f5a11")
_MAX_TAGS = 50
_MAX_BREADCRUMBS = 100
_MAX_FINGERPRINT_PARTS = 20

_SEVERITY_WORDS: dict[str, Severity] = {
    **dict.fromkeys(("critical", "crit", "fatal", "emergency", "emerg", "alert", "panic"), Severity.CRITICAL),
    **dict.fromkeys(("error", "err", "exception"), Severity.ERROR),
    **dict.fromkeys(("warning", "warn"), Severity.WARNING),
    **dict.fromkeys(("info", "information", "informational", "notice", "log", "track", "audit", "ok"), Severity.INFO),
    **dict.fromkeys(("debug", "trace", "verbose", "silly"), Severity.DEBUG),
}
# The numbers of Python's logging and of bunyan/pino, which agree from debug to error; 60 is pino's fatal.
_SEVERITY_NUMBERS = {10: Severity.DEBUG, 20: Severity.INFO, 30: Severity.WARNING, 40: Severity.ERROR}

# Lifted out of ``data``: they have columns, and keeping them twice would double the largest fields.
_STRUCTURED = ("stack", "stacktrace", "exception", "breadcrumbs", "tags", "fingerprint")
_TOP_LEVEL = frozenset(
    (
        "event", "data", "event_id", "eventId", "timestamp", "severity", "level", "kind", "message", "error", "reason",
        "endpoint", "duration_ms", "response_time_ms", "user_id", "userId", "user", "session_id", "sessionId", "environment",
        "release", *_STRUCTURED,
    )
)  # fmt: skip


class RefusedEventError(ValueError):
    """One document cannot be read as an event; ``code`` names why, the text says what to fix."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read_event(document: Any, *, received_at: datetime) -> IncomingEvent:
    """Read one document, mending what can be mended. Raises RefusedEventError when it is no event at all."""
    if not isinstance(document, dict):
        raise RefusedEventError(
            "not_an_object", 'An event is a JSON object such as {"event": "api_timeout", "data": {}}.'
        )
    marks: list[Mark] = []
    try:
        top = _read_top_level(document, marks)
        data = _read_data(document.get("data"), marks)
    except TooDeepError as error:
        raise RefusedEventError("too_deep", f"The event is {error}; flatten it or send less.") from None
    name = _read_name(top.get("event"), marks)
    fields = _Fields(top, data)
    event = IncomingEvent(
        name=name,
        received_at=received_at,
        occurred_at=read_time(*fields.find("timestamp"), received_at=received_at, marks=marks),
        repaired=marks,
    )
    _read_identity(event, fields)
    _read_severity(event, fields)
    _read_text_fields(event, fields)
    _read_structured_fields(event, fields)
    event.data = {key: value for key, value in data.items() if key not in _STRUCTURED}
    for key, value in top.items():
        if key not in _TOP_LEVEL:
            event.data.setdefault(key, value)
    return event


def _read_top_level(document: Mapping[str, Any], marks: list[Mark]) -> dict[str, Any]:
    """Everything but ``data``, mended; fields beyond the limit are dropped and that is marked, known ones come first."""
    names = sorted((key for key in document if key != "data"), key=lambda key: key not in _TOP_LEVEL)
    if len(names) > MAX_KEYS:
        marks.append({"path": "(top level)", "rule": "keys_dropped"})
    top = {}
    for key in names[:MAX_KEYS]:
        name = mend_key(key, "", marks)
        top[name] = mend(document[key], name, marks)
    return top


class _Fields:
    """Looks a field up at the top level, then in ``data``; answers the value and its path."""

    def __init__(self, top: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self.top = top
        self.data = data

    def find(self, *names: str) -> tuple[Any, str]:
        for name in names:
            if (value := self.top.get(name)) is not None:
                return value, name
            if (value := self.data.get(name)) is not None:
                return value, f"data.{name}"
        return None, names[0]


def _read_name(value: Any, marks: list[Mark]) -> str:
    name = read_text(value, "event", marks, limit=200)
    if not name:
        raise RefusedEventError("missing_event", 'Give the event a name, as text: {"event": "api_timeout"}.')
    return name


def _read_data(value: Any, marks: list[Mark]) -> dict[str, Any]:
    """``data`` as an object; a JSON text is opened (the guide stringifies it), anything else is kept as ``value``."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with suppress(ValueError):
            value = orjson.loads(value)
    if value is None:
        return {}
    if not isinstance(value, dict):
        marks.append({"path": "data", "rule": "wrong_type"})
        return {"value": mend(value, "data", marks)}
    mended: dict[str, Any] = mend(value, "data", marks)
    return mended


def _read_identity(event: IncomingEvent, fields: _Fields) -> None:
    value, path = fields.find("event_id", "eventId")
    if value is not None:
        event.event_id = _read_event_id(value, path, event.repaired)
    value, path = fields.find("user_id", "userId")
    user, user_path = fields.find("user")
    if value is None and isinstance(user, dict):
        value, path = user.get("id") or user.get("email"), f"{user_path}.id"
    elif value is None and isinstance(user, str | int):
        value, path = user, user_path
    if value is None:
        # An address is all that some events know of a person; it is hashed like an id and never kept.
        value, path = fields.find("email")
    # A number is a fine id: no mark for it.
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    event.user_identity = read_text(value, path, event.repaired, limit=200)
    value, path = fields.find("session_id", "sessionId")
    event.session_id = read_text(value, path, event.repaired, limit=128)


def _read_event_id(value: Any, path: str, marks: list[Mark]) -> UUID | None:
    text = read_text(value, path, marks, limit=200)
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        marks.append({"path": path, "rule": "event_id_hashed"})
        return uuid5(_EVENT_ID_NAMESPACE, text)


def _read_severity(event: IncomingEvent, fields: _Fields) -> None:
    """``severity`` wins over ``level``: the guide logs with ``logger.error`` and says ``severity: 'WARNING'`` inside."""
    for name in ("severity", "level"):
        value, path = fields.find(name)
        if value is None:
            continue
        event.severity = severity_of(value)
        if event.severity is not None:
            break
        event.repaired.append({"path": path, "rule": "severity_unknown"})
    kind = fields.top.get("kind")
    if isinstance(kind, str) and kind in set(Kind):
        event.kind = Kind(kind)
    elif "track" in (fields.top.get("level"), fields.data.get("level")):
        event.kind = Kind.TRACK


def severity_of(value: Any) -> Severity | None:
    """The severity that a word or a logging number means, or None."""
    if isinstance(value, str):
        text = value.strip().lower()
        if not text.isdecimal():
            return _SEVERITY_WORDS.get(text)
        value = int(text[:4])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _SEVERITY_NUMBERS.get(int(value), Severity.CRITICAL if value in (50, 60) else None)


def _read_text_fields(event: IncomingEvent, fields: _Fields) -> None:
    marks = event.repaired
    value, path = fields.find("message", "error", "reason")
    if isinstance(value, dict):  # an Error turned into an object
        value, path = value.get("message") or value.get("name"), f"{path}.message"
    event.message = read_text(value, path, marks, limit=8192)
    event.environment = read_text(*fields.find("environment"), marks, limit=64)
    event.release = read_text(*fields.find("release"), marks, limit=200)
    event.endpoint = _endpoint_path(read_text(*fields.find("endpoint"), marks, limit=2000))
    event.duration_ms = read_number(*fields.find("duration_ms", "response_time_ms"), marks)


def _endpoint_path(endpoint: str) -> str:
    """The path alone: a query string would make every request an endpoint of its own (and may hold secrets)."""
    if "://" in endpoint[:16]:
        rest = endpoint.split("://", 1)[1]
        _, slash, path = rest.partition("/")
        endpoint = slash + path or "/"
    return endpoint.split("?", 1)[0].split("#", 1)[0][:500]


def _read_structured_fields(event: IncomingEvent, fields: _Fields) -> None:
    marks = event.repaired
    event.tags = _read_tags(*fields.find("tags"), marks)
    event.breadcrumbs = _read_breadcrumbs(*fields.find("breadcrumbs"), marks)
    event.fingerprint = _read_fingerprint(*fields.find("fingerprint"), marks)
    event.exception = _read_exception(event, fields)


def _read_exception(event: IncomingEvent, fields: _Fields) -> list[ExceptionValue]:
    value, _ = fields.find("exception")
    if value is not None and (chain := read_exception(value)):
        return chain
    error, error_path = fields.find("error")
    stack, path = fields.find("stack", "stacktrace")
    if stack is None and isinstance(error, dict):
        stack, path = error.get("stack"), f"{error_path}.stack"
    if stack is None:
        return []
    if not isinstance(stack, str):
        return read_exception(stack)
    text = mend_text(stack, path, event.repaired, limit=MAX_TEXT)
    chain = parse_stack(text)
    if not chain:  # a stack in no language that is known: kept as text
        return [{"type": "", "value": text[:8192], "frames": [], "synthetic": True}]
    if not event.message:
        event.message = str(chain[-1].get("value", ""))[:8192]
    return chain


def _read_tags(value: Any, path: str, marks: list[Mark]) -> dict[str, str]:
    if value is None:
        return {}
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, list) and len(item) == 2:
                pairs.append((item[0], item[1]))
            elif isinstance(item, str):
                pairs.append((item, "true"))
            else:
                marks.append({"path": path, "rule": "wrong_type"})
    else:
        marks.append({"path": path, "rule": "wrong_type"})
    if len(pairs) > _MAX_TAGS:
        marks.append({"path": path, "rule": "tags_dropped"})
    tags: dict[str, str] = {}
    for key, tag in pairs[:_MAX_TAGS]:
        if isinstance(key, str) and key:
            # Numbers and booleans are common and clear: converted without a mark.
            text = str(tag).lower() if isinstance(tag, bool) else str(tag) if isinstance(tag, int | float) else tag
            tags[key[:64]] = read_text(text, f"{path}.{key[:64]}", marks, limit=200)
    return tags


def _read_breadcrumbs(value: Any, path: str, marks: list[Mark]) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        value = value.get("values")
    if value is None:
        return []
    if not isinstance(value, list):
        marks.append({"path": path, "rule": "wrong_type"})
        return []
    crumbs = [item if isinstance(item, dict) else {"message": item} for item in value if isinstance(item, dict | str)]
    if len(crumbs) > _MAX_BREADCRUMBS:
        marks.append({"path": path, "rule": "breadcrumbs_dropped"})
    return crumbs[-_MAX_BREADCRUMBS:]


def _read_fingerprint(value: Any, path: str, marks: list[Mark]) -> list[str]:
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    parts = [str(item) for item in items if isinstance(item, str | int | float) and not isinstance(item, bool)]
    if len(parts) != len(items):
        marks.append({"path": path, "rule": "wrong_type"})
    return [part[:200] for part in parts[:_MAX_FINGERPRINT_PARTS]]
