"""Stacks of JavaScript: V8 (Chrome, Node, Edge) and Gecko/WebKit (Firefox, Safari)."""

import re

from events.ingest.stacktrace.frames import exception, frame
from events.ingest.stacktrace.headline import find_headline
from events.ingest.types import ExceptionValue, Frame

_CAUSE = re.compile(r"\s{0,200}(?:\{ ?)?(?:\[cause\]|[Cc]aused by): ?")
_UNLOCATED = frozenset({"native", "<anonymous>", "native code"})
_CALL_MARKS = re.compile(r" \[as [^\]]{1,200}\]\Z")
# What Gecko and WebKit put around a function's name: "async*load", "promise callback*load", "load/<".
_GECKO_MARKS = re.compile(r"\A(?:[A-Za-z. ]{1,40}\*)|(?:/<|/)+\Z")


def parse_v8(lines: list[str]) -> list[ExceptionValue]:
    """``Type: value`` and then ``    at function (file:line:column)``, crash first; causes follow their consequence."""
    chain: list[ExceptionValue] = []
    above: list[str] = []
    frames: list[Frame] = []
    located = False

    def close() -> None:
        if frames or (chain and above):
            type_name, value, module = find_headline(above)
            chain.append(exception(type_name=type_name, value=value, module=module, frames=frames[::-1]))

    for line in lines:
        stripped = line.strip()
        # The last frame of an error with further properties is followed by their opening brace.
        read = _v8_frame(stripped[3:].removesuffix(" {").strip()) if stripped.startswith("at ") else None
        if read is not None:
            frames.append(read)
            located = located or "lineno" in read
        elif frames and (cause := _CAUSE.match(line)):
            close()
            above, frames = [line[cause.end() :]], []
        elif not frames:
            above.append(line)
    close()
    return chain[::-1] if located else []


def _v8_frame(text: str) -> Frame | None:
    """The frame of ``function (file:line:column)`` or ``file:line:column``; None when the text is neither."""
    function, location = "", text
    if text.endswith(")") and (opening := text.find(" (")) >= 0:
        function, location = text[:opening], text[opening + 2 : -1]
    if location.startswith("eval at ") and (inner := location.rpartition("(")[2].partition(")")[0]):
        location = inner
    filename, line, column = _split_location(location)
    if line is None and not (location in _UNLOCATED or location.startswith("index ")):
        return None
    if line is None:
        filename = "<anonymous>"  # "native" and "index 0" of Promise.all say no more than that
    return frame(function=_v8_function(function), filename=filename, line=line, column=column)


def _v8_function(text: str) -> str:
    name = _CALL_MARKS.sub("", text.removeprefix("async "))
    return "" if name in ("<anonymous>", "anonymous") else name


def _split_location(text: str) -> tuple[str, str | None, str | None]:
    """``file:line:column`` or ``file:line``; the numbers are None when the text does not end in one."""
    rest, _, last = text.rpartition(":")
    if not (rest and last.isascii() and last.isdigit()):
        return text, None, None
    filename, _, line = rest.rpartition(":")
    if filename and line.isascii() and line.isdigit():
        return filename, line, last
    return rest, last, None


def parse_gecko(lines: list[str]) -> list[ExceptionValue]:
    """``function@file:line:column``, crash first. The engine gives no headline; loggers may have put one above."""
    frames: list[Frame] = []
    above: list[str] = []
    strange = 0
    for line in lines:
        stripped = line.strip()
        if not stripped:
            continue
        read = _gecko_frame(stripped)
        if read is not None:
            frames.append(read)
        elif frames:
            strange += 1
        else:
            above.append(stripped)
    # Prose with an address in it ("ssh a@b/c:22") must not pass for a stack.
    if not frames or strange > len(frames) or not any("lineno" in one for one in frames):
        return []
    type_name, value, module = find_headline(above)
    return [exception(type_name=type_name, value=value, module=module, frames=frames[::-1])]


def _gecko_frame(text: str) -> Frame | None:
    function, at, location = text.partition("@")
    if not at or (" " in function and not function.endswith((" code", "*")) and "*" not in function):
        return None
    if location == "[native code]":
        return frame(function=function, filename=location)
    filename, line, column = _split_location(location)
    if line is None or "/" not in filename:
        return None
    filename = filename.partition(" line ")[0]  # "app.js line 12 > eval" runs inside app.js
    return frame(function=_GECKO_MARKS.sub("", function), filename=filename, line=line, column=column)
