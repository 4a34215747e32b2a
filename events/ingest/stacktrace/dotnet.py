"""Stacks of .NET."""

import re

from events.ingest.stacktrace.frames import exception, frame
from events.ingest.stacktrace.headline import find_headline
from events.ingest.types import ExceptionValue, Frame

_FRAME = re.compile(
    r"\s{0,200}at ([^\s(]{1,500})\(([^()\n]{0,1000}(?:\([^()\n]{0,200}\)[^()\n]{0,200}){0,5})\)"
    r"(?: in (.{1,1000}):line (\d{1,9}))?\s{0,20}\Z"
)
# The compiler moves async bodies and lambdas into classes of its own: Orders.<PlaceAsync>d__5.MoveNext,
# Program.<>c.<Main>b__0_1.
_GENERATED = re.compile(
    r"(?:\.<>c(?:__DisplayClass[\d_]{1,20})?)?\.<([^<>]{1,200})>[a-z]__[\w|]{1,100}(?:\.MoveNext)?\Z"
)
_INNER_END = "--- End of inner exception stack trace ---"
_PREVIOUS_END = "--- End of stack trace from previous location"


def parse_dotnet(lines: list[str]) -> list[ExceptionValue]:
    """``Outer: … ---> Inner: …``, the inner one's frames, a rule, the outer one's frames; crash first in each."""
    headlines: list[str] = []
    stacks: list[list[Frame]] = [[]]
    for line in lines:
        if found := _FRAME.match(line):
            stacks[-1].append(_dotnet_frame(*found.groups()))
        elif _INNER_END in line:
            stacks.append([])
        elif not any(stacks) and _PREVIOUS_END not in line:
            headlines.append(line)
    if not any(stacks):
        return []
    names = "\n".join(headlines).split(" ---> ")[-len(stacks) :]
    # The outermost exception is named first and its frames stand last.
    names = [""] * (len(stacks) - len(names)) + names
    chain: list[ExceptionValue] = []
    for name, frames in zip(reversed(names), stacks, strict=True):
        type_name, value, module = find_headline(name.split("\n"))
        chain.append(exception(type_name=type_name, value=value, module=module, frames=frames[::-1]))
    return chain


def _dotnet_frame(qualified: str, _arguments: str, filename: str | None, line: str | None) -> Frame:
    qualified = _GENERATED.sub(r".\1", qualified)
    module, _, function = qualified.rpartition(".")
    if module.endswith("."):  # a constructor: Orders..ctor
        module, function = module[:-1], f".{function}"
    return frame(function=function, module=module, filename=filename or "", line=line)
