"""Stacks of Go: panics and ``debug.Stack()``."""

import re

from events.ingest.stacktrace.frames import exception, frame
from events.ingest.types import ExceptionValue, Frame

_GOROUTINE = re.compile(r"goroutine \d{1,19} \[[^\]\n]{1,100}\]:")
_LOCATION = re.compile(r"\t([^\s].{0,999}?\.(?:go|s)):(\d{1,9})(?: \+0x[0-9a-f]{1,16})?\Z")
_HEAD = re.compile(r"(panic|fatal error): (.*)")
_RAISING = frozenset({"panic", "debug.Stack", "debug.PrintStack"})
_RUNTIME_RAISING = ("runtime.panic", "runtime.goPanic", "runtime.sigpanic", "runtime.gopanic")


def parse_go(lines: list[str]) -> list[ExceptionValue]:
    """The first goroutine, which is the one that failed: a call, then ``\\tfile:line``, crash first."""
    starts = [index for index, line in enumerate(lines) if _GOROUTINE.match(line)]
    if not starts:
        return []
    frames = _goroutine(lines[starts[0] + 1 :])
    if not frames:
        return []
    while len(frames) > 1 and _is_raising(frames[0]):
        frames.pop(0)
    head = next((found for line in lines[: starts[0]] if (found := _HEAD.match(line))), None)
    type_name, value = head.groups() if head else ("", "")
    return [exception(type_name=type_name, value=value.removesuffix(" [recovered]"), frames=frames[::-1])]


def _goroutine(lines: list[str]) -> list[Frame]:
    """The frames up to the blank line that ends a goroutine."""
    frames: list[Frame] = []
    call = ""
    for line in lines:
        if not line.strip() or _GOROUTINE.match(line):
            break
        if found := _LOCATION.match(line):
            if call:
                frames.append(_go_frame(call, *found.groups()))
            call = ""
        else:
            call = line.strip()
    return frames


def _go_frame(call: str, filename: str, line: str) -> Frame:
    """``example.org/shop/cart.(*Cart).Add(0xc00001)`` is ``(*Cart).Add`` of module ``example.org/shop/cart``."""
    call = call.removeprefix("created by ").partition(" in goroutine ")[0]
    if call.endswith(")"):
        call = call[: call.rfind("(")]
    folder, slash, last = call.rpartition("/")
    package, _, function = last.partition(".")
    if not function:
        return frame(function=call, filename=filename, line=line)
    return frame(function=function, module=folder + slash + package, filename=filename, line=line)


def _is_raising(one: Frame) -> bool:
    """Frames above the crash that only report it."""
    package = one.get("module", "").rpartition("/")[2]
    name = f"{package}.{one.get('function', '')}".lstrip(".")
    return name in _RAISING or name.startswith(_RUNTIME_RAISING)
