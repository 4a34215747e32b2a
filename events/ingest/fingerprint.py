"""Which events have one cause. Deterministic, explainable, and made from scrubbed events only.

The first of these that an event has decides; the others are recorded as not counting, with the reason:

1. the client's own fingerprint (``{{ default }}`` in it stands for all of the following);
2. an exception with frames: the event name, the types of the chain, the in-app frames of the last exception;
3. an exception without frames: the event name, the types, the parameterised first line of the value;
4. anything else: the event name, the template or the parameterised message, the endpoint, the provider; frames
   without a type count only when there is no message.

Severity, release, environment and user never count: they say how bad, since when, where and for whom, not why.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final

from events.ingest.frame_identity import identify
from events.ingest.parameterise import parameterise
from events.ingest.stacktrace import is_in_app
from events.ingest.types import ExceptionValue, Fingerprint, FingerprintPart, Frame, IncomingEvent

FINGERPRINT_VERSION: Final = 1

_MAX_FRAMES: Final = 20
# Of the frames that do not count only those near the crash are recorded.
_MAX_RECORDED_FRAMES: Final = 40
_MAX_CLIENT_ENTRIES: Final = 20
_MAX_RAW: Final = 200
_MAX_TEXT: Final = 500
_MAX_SCANNED: Final = 2_000
_MAX_TITLE: Final = 200

CLIENT: Final = "client fingerprint"
NAME: Final = "event name"
TYPE: Final = "exception type"
IN_APP_FRAME: Final = "in-app frame"
FRAME: Final = "frame"
VALUE: Final = "exception value"
TEMPLATE: Final = "message template"
MESSAGE: Final = "message"
ENDPOINT: Final = "endpoint"
PROVIDER: Final = "provider"
FEATURE: Final = "feature"

# Names that protocols and loggers give to everything: they keep no two causes apart.
_GENERIC_NAMES: Final = frozenset({"", "error", "exception", "message", "event", "log", "warning", "default"})
_PROVIDER_KEYS: Final = ("ai_provider", "provider")
_FEATURE_KEYS: Final = ("feature",)

_VARIABLE = re.compile(r"\{\{\s{0,8}([\w.\-/]{1,80})\s{0,8}\}\}")
_DEFAULT = re.compile(r"\{\{\s{0,8}default\s{0,8}\}\}")


def fingerprint(event: IncomingEvent) -> Fingerprint:
    """The identity of the event's cause, how it came about, and the title and culprit of its issue."""
    chain = [one for one in event.exception if one.get("type") and not one.get("synthetic")]
    parts = _exception_parts(event, chain) if chain else _message_parts(event)
    parts = _with_client_fingerprint(event, chain, parts)
    return Fingerprint(
        hash=_hash(parts),
        version=FINGERPRINT_VERSION,
        parts=parts,
        title=_title(event, chain),
        culprit=_culprit(event, chain),
    )


# --- The exception -----------------------------------------------------------------------------------------------


def _exception_parts(event: IncomingEvent, chain: list[ExceptionValue]) -> list[FingerprintPart]:
    frames = _frame_parts(chain[-1].get("frames", []))
    has_frames = any(part["contributes"] for part in frames)
    value = chain[-1].get("value") or event.message
    text = _normalised_lines(value, 1)
    parts = [_name_part(event, counts_alone=False)]
    for index, one in enumerate(chain):
        why = "the exception that was raised" if index == len(chain) - 1 else "a cause in the chain"
        parts.append(_part(TYPE, one["type"], one["type"].strip()[:_MAX_TEXT], why))
    parts += frames
    if text:
        why = "ignored: the frames tell where it happened" if has_frames else "there are no usable frames"
        parts.append(_part(VALUE, value, text, why, contributes=not has_frames))
    if event.message and event.message != value:
        why = "ignored: the exception tells more than the message"
        parts.append(_part(MESSAGE, event.message, _normalised_lines(event.message, 2), why, contributes=False))
    if event.endpoint:
        why = "ignored: one cause may show at several endpoints"
        parts.append(_part(ENDPOINT, event.endpoint, _endpoint(event.endpoint), why, contributes=False))
    return parts


def _frame_parts(frames: list[Frame]) -> list[FingerprintPart]:
    """The frames near the crash, caller first: in-app ones count; when there are none, all do."""
    ours = [_is_ours(frame) for frame in frames]
    only_ours = any(ours)
    recorded: list[FingerprintPart] = []
    counted = 0
    previous: FingerprintPart | None = None
    for frame, is_ours in zip(reversed(frames), reversed(ours), strict=True):
        if counted == _MAX_FRAMES or len(recorded) == _MAX_RECORDED_FRAMES:
            break
        identity, why = identify(frame)
        if not identity:
            continue
        part = _part(IN_APP_FRAME if is_ours else FRAME, _shown_frame(frame), identity, why)
        if only_ours and not is_ours:
            part["contributes"], part["why"] = False, "ignored: not in-app"
        elif previous is not None and previous["normalised"] == identity:
            part["contributes"], part["why"] = False, "ignored: the same function calls itself"
        else:
            previous = part
            counted += 1
            if not only_ours:
                part["why"] = f"no frame is in-app, so all frames count; {why}"
        recorded.append(part)
    return recorded[::-1]


def _is_ours(frame: Frame) -> bool:
    said = frame.get("in_app")
    if said is None:
        return is_in_app(filename=frame.get("filename", ""), module=frame.get("module", ""))
    return said


def _shown_frame(frame: Frame) -> str:
    """As a reader knows it, with the line number that does not count."""
    place = frame.get("filename") or frame.get("module") or "?"
    line = f":{frame['lineno']}" if "lineno" in frame else ""
    return f"{frame.get('function') or '?'} ({place}{line})"


# --- The message -------------------------------------------------------------------------------------------------


def _message_parts(event: IncomingEvent) -> list[FingerprintPart]:
    message = _message(event)
    lines = "\n".join(_lines(message, 2))
    text = parameterise(lines)[:_MAX_TEXT]
    template = _normalised_lines(event.message_template, 2)
    provider = _word(event, _PROVIDER_KEYS)
    feature = _word(event, _FEATURE_KEYS)
    # A made-up exception's frames only show where the message was sent from; without a message they are all there is.
    frames = [] if text or template else _frame_parts(_last_frames(event.exception))
    has_frames = any(part["contributes"] for part in frames)
    tells = bool(text or template or has_frames or event.endpoint or provider)
    parts = [_name_part(event, counts_alone=not (tells or feature)), *frames]
    if template:
        parts.append(_part(TEMPLATE, event.message_template, template, "the message without its arguments"))
    if text:
        why = "ignored: the template is used instead" if template else _what_changed(lines, text)
        parts.append(_part(MESSAGE, message, text, why, contributes=not template))
    if event.endpoint:
        why = (
            "ignored: one cause may show at several endpoints"
            if has_frames
            else "what failed; ids in the path are ignored"
        )
        parts.append(_part(ENDPOINT, event.endpoint, _endpoint(event.endpoint), why, contributes=not has_frames))
    if provider:
        parts.append(_part(PROVIDER, provider, parameterise(provider), "who failed"))
    if feature:
        why = "ignored: it tells who was hurt and not what failed" if tells else "nothing else tells what failed"
        parts.append(_part(FEATURE, feature, parameterise(feature), why, contributes=not tells))
    return parts


def _message(event: IncomingEvent) -> str:
    """The message; when there is none, what the client's made-up or type-less exception says."""
    if event.message:
        return event.message
    return next((value for one in reversed(event.exception) if (value := one.get("value"))), "")


def _word(event: IncomingEvent, keys: Iterable[str]) -> str:
    """A short text out of the event's data or tags."""
    for key in keys:
        value: Any = event.data.get(key) or event.tags.get(key)
        if isinstance(value, str) and 0 < len(value.strip()) <= _MAX_RAW:
            return value.strip()
    return ""


def _what_changed(lines: str, normalised: str) -> str:
    return "as sent" if lines == normalised else "numbers, ids, dates and addresses are replaced by what they are"


def _name_part(event: IncomingEvent, *, counts_alone: bool) -> FingerprintPart:
    name = event.name.strip()
    if name.lower() in _GENERIC_NAMES and not counts_alone:
        return _part(
            NAME, name, name[:_MAX_TEXT], "ignored: so general a name tells no causes apart", contributes=False
        )
    return _part(NAME, name, name[:_MAX_TEXT], "events of different names have different causes")


# --- The client's own fingerprint --------------------------------------------------------------------------------


def _with_client_fingerprint(
    event: IncomingEvent, chain: list[ExceptionValue], parts: list[FingerprintPart]
) -> list[FingerprintPart]:
    entries = [entry for entry in event.fingerprint[:_MAX_CLIENT_ENTRIES] if entry.strip()]
    own = [entry for entry in entries if not _DEFAULT.fullmatch(entry.strip())]
    if not own:
        return parts
    keeps_default = len(own) < len(entries)
    if not keeps_default:
        for part in parts:
            part["contributes"], part["why"] = False, "ignored: the client gave its own fingerprint"
    why = "added by the client to the default grouping" if keeps_default else "the client gave its own fingerprint"
    return parts + [_part(CLIENT, entry, _resolved(entry, event, chain), why) for entry in own]


def _resolved(entry: str, event: IncomingEvent, chain: list[ExceptionValue]) -> str:
    """The entry with its ``{{ variables }}`` filled in; a missing value reads ``<no-…>``, an unknown name stays."""

    def fill(found: re.Match[str]) -> str:
        name = found.group(1)
        value = _variable(name, event, chain)
        if value is None:
            return found.group()
        return value or f"<no-{name}>"

    return _VARIABLE.sub(fill, entry[:_MAX_SCANNED].strip())[:_MAX_TEXT]


def _variable(name: str, event: IncomingEvent, chain: list[ExceptionValue]) -> str | None:
    """The value of a fingerprint variable, parameterised where it varies; None for a name that is none."""
    if name.startswith("tags."):
        return event.tags.get(name.removeprefix("tags."), "")
    last = chain[-1] if chain else ExceptionValue()
    match _ALIASES.get(name, name):
        case "type":
            return last.get("type", "")
        case "value":
            return _normalised_lines(last.get("value", ""), 1)
        case "message":
            return _normalised_lines(event.message_template or _message(event), 2)
        case "function" | "module" | "filename" as key:
            return str(_crash(chain or event.exception).get(key, ""))
        case "transaction":
            return _endpoint(event.endpoint) if event.endpoint else ""
        case "event":
            return event.name
        case "level":
            return event.severity.value if event.severity else ""
        case _:
            return None


_ALIASES: Final = {
    "error.type": "type", "error.value": "value", "stack.function": "function", "stack.module": "module",
    "stack.filename": "filename", "stack.abs_path": "filename", "path": "filename", "endpoint": "transaction",
    "name": "event", "event.name": "event", "severity": "level",
}  # fmt: skip


# --- What the parts are made of ----------------------------------------------------------------------------------


def _part(part: str, raw: str, normalised: str, why: str, *, contributes: bool = True) -> FingerprintPart:
    return {"part": part, "raw": raw[:_MAX_RAW], "normalised": normalised, "contributes": contributes, "why": why}


def _normalised_lines(text: str, count: int) -> str:
    """The first non-empty lines, parameterised."""
    if not text:
        return ""
    return parameterise("\n".join(_lines(text, count)))[:_MAX_TEXT]


def _lines(text: str, count: int) -> list[str]:
    lines: list[str] = []
    for line in text[:_MAX_SCANNED].split("\n"):
        if stripped := line.strip():
            lines.append(stripped)
            if len(lines) == count:
                break
    return lines


def _endpoint(endpoint: str) -> str:
    """The path with its ids replaced, without host, query and fragment: ``GET /api/users/<int>``."""
    path = endpoint[:_MAX_SCANNED].strip()
    method, space, rest = path.partition(" ")
    if not (space and method.isalpha() and method.isupper()):
        method, space, rest = "", "", path
    if "://" in rest:
        host, slash, after = rest.partition("://")[2].partition("/")
        rest = slash + after if after else host
    rest = rest.partition("?")[0].partition("#")[0]
    return (method + space + parameterise(rest.rstrip("/") or "/"))[:_MAX_TEXT]


def _hash(parts: list[FingerprintPart]) -> str:
    """Every text goes in with its length before it, so that no text can pass for two."""
    digest = hashlib.sha256(b"liftmon fingerprint %d" % FINGERPRINT_VERSION)
    for part in parts:
        if part["contributes"]:
            for text in (part["part"], part["normalised"]):
                encoded = text.encode("utf-8", "surrogatepass")
                digest.update(b"\n%d:" % len(encoded) + encoded)
    return digest.hexdigest()[:32]


# --- What people read --------------------------------------------------------------------------------------------


def _title(event: IncomingEvent, chain: list[ExceptionValue]) -> str:
    if chain:
        first = _lines(chain[-1].get("value") or event.message, 1)
        title = ": ".join([chain[-1]["type"].strip(), *first])
    elif first := _lines(_message(event), 1):
        title = first[0] if event.name.strip().lower() in _GENERIC_NAMES else f"{event.name.strip()}: {first[0]}"
    else:
        title = event.name.strip() or "Unnamed event"  # as it is sent: what people search their code for
    return _cut(title)


def _culprit(event: IncomingEvent, chain: list[ExceptionValue]) -> str:
    """Where it failed: the crash frame, else the endpoint, else the provider that failed."""
    crash = _crash(chain or event.exception)
    place = crash.get("module") or _short_path(crash.get("filename", ""))
    function = crash.get("function", "")
    if place or function:
        return _cut(f"{place} in {function}" if place and function else place or function)
    return _cut(_endpoint(event.endpoint)) if event.endpoint else _word(event, _PROVIDER_KEYS)


def _crash(chain: list[ExceptionValue]) -> Frame:
    """The in-app frame nearest the crash of the exception that was raised, or the crash itself."""
    frames = _last_frames(chain)
    return next((frame for frame in reversed(frames) if _is_ours(frame)), frames[-1] if frames else Frame())


def _last_frames(chain: list[ExceptionValue]) -> list[Frame]:
    """The frames of the last exception that has any."""
    return next((frames for one in reversed(chain) if (frames := one.get("frames"))), [])


def _short_path(filename: str) -> str:
    """The last folders of a path: enough to find the file, without the machine's own folders and hosts."""
    path = filename.partition("?")[0].replace("\\", "/")
    return "/".join(path.partition("://")[2].split("/")[-3:] if "://" in path else path.split("/")[-3:]).lstrip("/")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TITLE else text[: _MAX_TITLE - 1] + "…"


def explain(parts: Iterable[FingerprintPart]) -> str:
    """One sentence for the reader: "Grouped because the exception type (TypeError) and 3 in-app frames match."."""
    counted: dict[str, list[str]] = {}
    for part in parts:
        if part["contributes"]:
            counted.setdefault(part["part"], []).append(part["normalised"])
    reasons = [_reason(part, values) for part, values in counted.items()]
    if not reasons:
        return "Nothing of this event could be used for grouping."
    listed = f"{', '.join(reasons[:-1])} and {reasons[-1]}" if len(reasons) > 1 else reasons[0]
    is_one = len(counted) == 1 and (CLIENT in counted or len(*counted.values()) == 1)
    return f"Grouped because {listed} {'matches' if is_one else 'match'}."


def _reason(part: str, values: list[str]) -> str:
    many = len(values) > 1
    if part in (FRAME, IN_APP_FRAME):
        return f"{len(values)} {part}s" if many else f"1 {part}"
    named = ", ".join(dict.fromkeys(_cut(value) for value in values))
    if part == CLIENT:
        return f"the client's own fingerprint ({named})"
    if part in (NAME, TYPE, ENDPOINT, PROVIDER, FEATURE):
        return f"the {part}{'s' if many else ''} ({named})"
    return f"the {part}"
