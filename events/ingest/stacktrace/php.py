"""Stacks of PHP."""

import re

from events.ingest.stacktrace.frames import exception, frame
from events.ingest.stacktrace.headline import find_headline
from events.ingest.types import ExceptionValue, Frame

_FRAME = re.compile(
    r"\s{0,40}#\d{1,5} (?:(\{main\})|\[internal function\]: (.{1,2000})|(.{1,1000}?)\((\d{1,9})\): (.{1,2000}))\Z"
)
_THROWN_AT = re.compile(r" in ((?:[A-Za-z]:)?[/\\][^\n]{0,998}?)(?::| on line )(\d{1,9})\Z")


def parse_php(lines: list[str]) -> list[ExceptionValue]:
    """``Type: value in file:line``, ``Stack trace:``, ``#0 file(line): call()``; ``Next`` starts the consequence.

    PHP tells where each function was *called from*; here every function is put to the place *in which* it stopped,
    as all other languages have it, so the places move one frame towards the crash.
    """
    chain: list[ExceptionValue] = []
    above: list[str] = []
    calls: list[tuple[str, str, str]] = []

    def close() -> None:
        if calls:
            chain.append(_php_exception(above, calls))

    for line in lines:
        if found := _FRAME.match(line):
            _main, internal, filename, number, call = found.groups()
            called_in = "[internal function]" if internal else filename or ""
            calls.append((_php_function(internal or call or ""), called_in, number or ""))
        elif line.startswith("Next "):
            close()
            above, calls = [line], []
        elif not calls and line.strip() not in ("Stack trace:", "[stacktrace]"):
            above.append(line)
    close()
    return chain


def _php_exception(above: list[str], calls: list[tuple[str, str, str]]) -> ExceptionValue:
    head = "\n".join(above).strip()
    filename, line = "", ""
    if thrown := _THROWN_AT.search(head[-1_200:]):
        filename, line = thrown.groups()
        head = head[: len(head) - len(thrown.group())]
    frames: list[Frame] = []
    for function, called_in, called_at in calls:
        if function or filename:
            frames.append(_php_frame(function, filename, line))
        filename, line = called_in, called_at
    type_name, value, module = find_headline(head.split("\n"))
    return exception(type_name=type_name, value=value, module=module, frames=frames[::-1])


def _php_function(call: str) -> str:
    """``App\\Cart->add(Object(App\\Item), 2)`` without its arguments."""
    return call.partition("(")[0] if not call.startswith("{closure") else "{closure}"


def _php_frame(function: str, filename: str, line: str) -> Frame:
    for separator in ("->", "::"):
        module, found, method = function.rpartition(separator)
        if found:
            return frame(function=method, module=module, filename=filename, line=line)
    return frame(function=function, filename=filename, line=line)
