"""The native protocol, as the tracking guide calls it: ``{"event": NAME, "data": {…}}``.

A known field may stand at the top level or inside ``data``; the top level wins. What stands in ``data`` stays there (the
guide's queries read it), except the structured fields, which have columns of their own. Unknown fields end up in ``data``.
"""

from collections.abc import Collection
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
    read_duration,
    read_text,
    read_time,
)
from events.ingest.stacktrace import parse_stack, read_exception
from events.ingest.types import ExceptionValue, IncomingEvent, Kind, Mark, Severity

_EVENT_ID_NAMESPACE = UUID("8d3c7a52-54c5-4c8e-9a3c-0d6b3b0f5a11")
_MAX_IDENTITY = 200
_MAX_TAGS = 50
_MAX_TAG = 200
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
_KINDS = {kind.value: kind for kind in Kind}

# Lifted out of ``data``: they have columns, and keeping them twice would double the largest fields.
_STRUCTURED = frozenset(("stack", "stacktrace", "exception", "breadcrumbs", "tags", "fingerprint"))
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
        top, others = _read_top_level(document, marks)
        data = _read_data(document.get("data"), marks)
    except TooDeepError as error:
        raise RefusedEventError("too_deep", f"The event is {error}; flatten it or send less.") from None
    name = _read_name(top.get("event"), marks)
    fields = _Fields(top, others, data, marks)
    occurred_at = read_time(*fields.find("timestamp"), received_at=received_at, marks=marks)
    event = IncomingEvent(name, occurred_at, received_at, repaired=marks)
    _read_identity(event, fields)
    _read_severity(event, fields)
    _read_text_fields(event, fields)
    _read_structured_fields(event, fields)
    if not _STRUCTURED.isdisjoint(data):
        data = {key: value for key, value in data.items() if key not in _STRUCTURED}
    for key, value in others.items():
        data.setdefault(key, value)
    if (reason := top.get("reason")) is not None:
        data.setdefault("reason", reason)  # more than a message: failures are counted by it
    event.data = data
    return event


def _read_top_level(document: dict[str, Any], marks: list[Mark]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The known fields that hold something, and the unknown ones, mended; ``data`` is in neither.

    Fields beyond the limit are dropped and that is marked, known ones come first.
    """
    top: dict[str, Any] = {}
    unknown: list[str] = []
    count = len(document) - ("data" in document)
    if count > MAX_KEYS:
        marks.append({"path": "(top level)", "rule": "keys_dropped"})
    for key, value in document.items():
        if key not in _TOP_LEVEL:
            unknown.append(key)
        elif (
            type(value) is str and len(value) <= MAX_TEXT and value.isascii() and "\x00" not in value and key != "data"
        ):
            top[key] = value  # as mend would say, see there
        elif key != "data" and (mended := mend(value, key, marks)) is not None:  # NaN is null once it is mended
            top[key] = mended
    others: dict[str, Any] = {}
    for key in unknown[: MAX_KEYS - (count - len(unknown))]:
        name = mend_key(key, "", marks)
        others[name] = mend(document[key], name, marks)
    return top, others


class _Fields:
    """Looks a field up at the top level, then in ``data``; every value is mended, and none of the top level's is null."""

    __slots__ = ("data", "marks", "others", "top", "values")

    def __init__(self, top: dict[str, Any], others: dict[str, Any], data: dict[str, Any], marks: list[Mark]) -> None:
        self.top = top
        self.others = others
        self.data = data
        self.marks = marks
        # One lookup answers for both places, and most lookups are for fields that are not there.
        self.values = {**data, **top}

    def find(self, *names: str) -> tuple[Any, str]:
        """The first value there is, and its path."""
        for name in names:
            if (value := self.values.get(name)) is not None:
                return value, name if name in self.top else f"data.{name}"
        return None, names[0]

    def path(self, name: str) -> str:
        """Where a value that there is stands."""
        return name if name in self.top else f"data.{name}"

    def text(self, name: str, limit: int, other_name: str = "") -> str:
        """The first value there is, as text; only what is no short text has to be marked, and needs its path."""
        value = self.values.get(name)
        if value is None and other_name:
            name, value = other_name, self.values.get(other_name)
        if value is None:
            return ""
        if type(value) is str and len(value) <= limit:
            return value.strip()
        return read_text(value, self.path(name), self.marks, limit=limit)


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
    if text := fields.text("event_id", 200, "eventId"):
        event.event_id = _event_id(text, fields)
    value = fields.values.get("user_id")
    if type(value) is str and len(value) <= _MAX_IDENTITY:
        event.user_identity = value.strip()
    else:
        event.user_identity = _read_user(fields)
    event.session_id = fields.text("session_id", 128, "sessionId")


def _read_user(fields: _Fields) -> str:
    value, path = fields.find("user_id", "userId")
    if value is None:
        value, path = _find_other_identity(fields)
    # A number is a fine id: no mark for it.
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return read_text(value, path, fields.marks, limit=_MAX_IDENTITY)


def _find_other_identity(fields: _Fields) -> tuple[Any, str]:
    user, path = fields.find("user")
    if isinstance(user, dict):
        value = user.get("id") or user.get("email")
        if value is not None:
            return value, f"{path}.id"
    elif isinstance(user, str | int):
        return user, path
    # An address is all that some events know of a person; it is hashed like an id and never kept.
    if (value := fields.others.get("email")) is not None:
        return value, "email"
    return fields.find("email")


def _event_id(text: str, fields: _Fields) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        _, path = fields.find("event_id", "eventId")
        fields.marks.append({"path": path, "rule": "event_id_hashed"})
        return uuid5(_EVENT_ID_NAMESPACE, text)


def _read_severity(event: IncomingEvent, fields: _Fields) -> None:
    """``severity`` wins over ``level``: the guide logs with ``logger.error`` and says ``severity: 'WARNING'`` inside."""
    for name in ("severity", "level"):
        value = fields.values.get(name)
        if value is None:
            continue
        event.severity = severity_of(value)
        if event.severity is not None:
            break
        fields.marks.append({"path": fields.path(name), "rule": "severity_unknown"})
    kind = fields.top.get("kind")
    if isinstance(kind, str) and kind in _KINDS:
        event.kind = _KINDS[kind]
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
    value, path = fields.find("message", "error", "reason")
    if value is not None:
        if isinstance(value, dict):  # an Error turned into an object
            value, path = value.get("message") or value.get("name"), f"{path}.message"
        event.message = read_text(value, path, fields.marks, limit=8192)
    event.environment = fields.text("environment", 64)
    event.release = fields.text("release", 200)
    if endpoint := fields.text("endpoint", 2000):
        event.endpoint = _endpoint_path(endpoint)
    value, path = fields.find("duration_ms", "response_time_ms")
    if value is not None:
        event.duration_ms = read_duration(value, path, fields.marks)
    elif (value := fields.values.get("duration_seconds")) is not None:
        event.duration_ms = read_duration(value, fields.path("duration_seconds"), fields.marks, unit_ms=1000)


def _endpoint_path(endpoint: str) -> str:
    """The path alone: a query string would make every request an endpoint of its own (and may hold secrets)."""
    if "://" in endpoint[:16]:
        rest = endpoint.split("://", 1)[1]
        _, slash, path = rest.partition("/")
        endpoint = slash + path or "/"
    if "?" in endpoint or "#" in endpoint:
        endpoint = endpoint.split("?", 1)[0].split("#", 1)[0]
    return endpoint[:500]


def _read_structured_fields(event: IncomingEvent, fields: _Fields) -> None:
    values, marks = fields.values, fields.marks
    if values.get("tags") is not None:
        event.tags = _read_tags(*fields.find("tags"), marks)
    if values.get("breadcrumbs") is not None:
        event.breadcrumbs = _read_breadcrumbs(*fields.find("breadcrumbs"), marks)
    if values.get("fingerprint") is not None:
        event.fingerprint = _read_fingerprint(*fields.find("fingerprint"), marks)
    if not _TELLS_OF_A_STACK.isdisjoint(values):
        event.exception = _read_exception(event, fields)


_TELLS_OF_A_STACK = frozenset(("exception", "error", "stack", "stacktrace"))


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
    text = mend_text(stack, path, fields.marks, limit=MAX_TEXT)
    chain = parse_stack(text)
    if not chain:  # a stack in no language that is known: kept as text
        return [{"type": "", "value": text[:8192], "frames": [], "synthetic": True}]
    if not event.message:
        event.message = str(chain[-1].get("value", ""))[:8192]
    return chain


def _read_tags(value: Any, path: str, marks: list[Mark]) -> dict[str, str]:
    pairs: Collection[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = _pairs_of(value, path, marks)
    else:
        marks.append({"path": path, "rule": "wrong_type"})
    if len(pairs) > _MAX_TAGS:
        marks.append({"path": path, "rule": "tags_dropped"})
        pairs = list(pairs)[:_MAX_TAGS]
    tags: dict[str, str] = {}
    for key, tag in pairs:
        if isinstance(key, str) and key:
            name = key[:64]
            if type(tag) is str and len(tag) <= _MAX_TAG:
                tags[name] = tag.strip()
                continue
            # Numbers and booleans are common and clear: converted without a mark.
            text = str(tag).lower() if isinstance(tag, bool) else str(tag) if isinstance(tag, int | float) else tag
            tags[name] = read_text(text, f"{path}.{name}", marks, limit=_MAX_TAG)
    return tags


def _pairs_of(items: list[Any], path: str, marks: list[Mark]) -> list[tuple[Any, Any]]:
    """Sentry's other form: ``[["plan", "pro"], "beta"]``."""
    pairs: list[tuple[Any, Any]] = []
    for item in items:
        if isinstance(item, list) and len(item) == 2:
            pairs.append((item[0], item[1]))
        elif isinstance(item, str):
            pairs.append((item, "true"))
        else:
            marks.append({"path": path, "rule": "wrong_type"})
    return pairs


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
