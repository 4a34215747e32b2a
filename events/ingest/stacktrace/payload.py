"""The structured form of an exception as clients send it, read leniently: what can be read is kept."""

from typing import Any, Final

from events.ingest.stacktrace.frames import (
    MAX_EXCEPTIONS,
    MAX_FILENAME_LENGTH,
    MAX_FRAMES,
    MAX_NAME_LENGTH,
    MAX_VALUE_LENGTH,
    is_in_app,
    position,
    without_middle,
)
from events.ingest.stacktrace.text import parse_stack
from events.ingest.types import ExceptionValue, Frame

_MAX_CONTEXT_LINES: Final = 10
_MAX_VARS: Final = 50
_FRAME_KEYS: Final = frozenset({"filename", "abs_path", "function", "lineno", "file", "fileName", "raw_function"})
_EXCEPTION_KEYS: Final = frozenset({"type", "value", "stacktrace", "frames", "message", "name", "stack", "mechanism"})


def read_exception(value: object) -> list[ExceptionValue]:
    """A chain out of ``{"values": […]}``, a list or one exception, a list of frames, or a stack as text.

    Nulls and what is of no use are dropped, numbers become text and digits numbers; text too long is cut.
    """
    if isinstance(value, str):
        return parse_stack(value)
    if isinstance(value, dict):
        value = value.get("values", [value])
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return []
    entries = without_middle([one for one in value if one], MAX_EXCEPTIONS if not _is_frames(value) else MAX_FRAMES)
    if _is_frames(entries):
        frames = _frames(entries)
        return [ExceptionValue(frames=frames)] if frames else []
    return [read for one in entries if (read := _exception(one))]


def _is_frames(entries: list[Any]) -> bool:
    """Whether a bare list holds frames and not exceptions."""
    first = next((one for one in entries if one), None)
    return isinstance(first, dict) and not _EXCEPTION_KEYS & first.keys() and bool(_FRAME_KEYS & first.keys())


def _exception(value: object) -> ExceptionValue | None:
    if isinstance(value, str):
        return ExceptionValue(value=value[:MAX_VALUE_LENGTH])
    if not isinstance(value, dict):
        return None
    read = ExceptionValue()
    if type_name := _text(_first(value, "type", "name"), MAX_NAME_LENGTH):
        read["type"] = type_name
    if message := _text(_first(value, "value", "message"), MAX_VALUE_LENGTH):
        read["value"] = message
    if module := _text(value.get("module"), MAX_NAME_LENGTH):
        read["module"] = module
    if frames := _stack(_first(value, "stacktrace", "frames", "raw_stacktrace", "stack")):
        read["frames"] = frames
    mechanism = value.get("mechanism")
    if isinstance(mechanism, dict):
        if isinstance(mechanism.get("synthetic"), bool):
            read["synthetic"] = mechanism["synthetic"]
        if isinstance(mechanism.get("handled"), bool):
            read["handled"] = mechanism["handled"]
    return read or None


def _stack(value: object) -> list[Frame]:
    if isinstance(value, dict):
        value = value.get("frames")
    if isinstance(value, str):
        chain = parse_stack(value)
        return chain[-1].get("frames", []) if chain else []
    return _frames(value) if isinstance(value, list) else []


def _frames(value: list[Any]) -> list[Frame]:
    return [frame for one in without_middle(value, MAX_FRAMES) if isinstance(one, dict) and (frame := _frame(one))]


def _frame(value: dict[Any, Any]) -> Frame | None:
    frame = Frame()
    if function := _text(_first(value, "function", "raw_function", "method", "methodName"), MAX_NAME_LENGTH):
        frame["function"] = function
    if module := _text(_first(value, "module", "package"), MAX_NAME_LENGTH):
        frame["module"] = module
    if filename := _text(_first(value, "filename", "abs_path", "file", "fileName"), MAX_FILENAME_LENGTH):
        frame["filename"] = filename
    if (lineno := position(_first(value, "lineno", "line", "lineNumber"))) is not None:
        frame["lineno"] = lineno
    if (colno := position(_first(value, "colno", "column", "columnNumber"))) is not None:
        frame["colno"] = colno
    if context_line := _line(value.get("context_line")):
        frame["context_line"] = context_line
    if not frame:
        return None
    _read_surroundings(frame, value)
    said = value.get("in_app")
    frame["in_app"] = said if isinstance(said, bool) else is_in_app(filename=filename, module=module)
    return frame


def _read_surroundings(frame: Frame, value: dict[Any, Any]) -> None:
    """The source lines around the frame and its variables."""
    if before := _lines(value.get("pre_context")):
        frame["pre_context"] = before[-_MAX_CONTEXT_LINES:]
    if after := _lines(value.get("post_context")):
        frame["post_context"] = after[:_MAX_CONTEXT_LINES]
    variables = value.get("vars")
    if isinstance(variables, dict) and variables:
        kept = list(variables.items())[:_MAX_VARS]
        frame["vars"] = {str(name)[:MAX_NAME_LENGTH]: content for name, content in kept}


def _first(value: dict[Any, Any], *keys: str) -> object:
    """The first of the keys that holds anything."""
    return next((value[key] for key in keys if value.get(key) not in (None, "", [], {})), None)


def _text(value: object, limit: int) -> str:
    """Text as it is, other plain values as text, nothing for null; lists and objects as Python shows them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value[:limit].strip()
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4_096:
        return ""  # Python refuses to print integers of thousands of digits
    try:
        return str(value)[:limit]
    except (ValueError, RecursionError):
        return ""


def _line(value: object) -> str:
    """A line of source: its indentation means something, so only its end is trimmed."""
    return value[:MAX_NAME_LENGTH].rstrip() if isinstance(value, str) else ""


def _lines(value: object) -> list[str]:
    return [_line(one) for one in value] if isinstance(value, list) else []
