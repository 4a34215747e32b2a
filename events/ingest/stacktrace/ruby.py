"""Stacks of Ruby, plain and as Rails logs them."""

import re

from events.ingest.stacktrace.frames import exception, frame
from events.ingest.stacktrace.headline import Headline, find_headline
from events.ingest.types import ExceptionValue, Frame

_FRAME = re.compile(
    r"\s{0,40}(?:from |\d{1,5}: from )?((?:[A-Za-z]:)?[^:\s][^:\n]{0,999}):(\d{1,9})"
    r":in [`']([^'\n]{1,500})'(?:: (.{1,2000}))?\Z"
)
_HEAD_TAIL = re.compile(r"(.{0,1900}) ?\(([A-Z]\w{0,99}(?:::[A-Z]\w{0,99}){0,9})\):?\Z")


def parse_ruby(lines: list[str]) -> list[ExceptionValue]:
    """``file:line:in 'function': message (Type)`` and ``from`` lines, crash first; causes follow their consequence."""
    chain: list[ExceptionValue] = []
    above: list[str] = []
    frames: list[Frame] = []
    named = Headline()

    def close() -> None:
        if frames:
            type_name, value, module = named if named.type else _rails_headline(above)
            chain.append(exception(type_name=type_name, value=value, module=module, frames=frames[::-1]))

    for line in lines:
        found = _FRAME.match(line)
        if not found:
            if not frames:
                above.append(line)
            continue
        filename, number, function, message = found.groups()
        if message is not None:
            close()
            above, frames, named = [], [], _tail_headline(message)
        frames.append(frame(function=function, filename=filename, line=number))
    close()
    return chain[::-1]


def _tail_headline(text: str) -> Headline:
    """``undefined method 'x' for nil (NoMethodError)``."""
    found = _HEAD_TAIL.match(text.strip())
    if not found:
        return Headline(value=text)
    value, name = found.groups()
    module, _, type_name = name.rpartition("::")
    return Headline(type=type_name, value=value.strip(), module=module)


def _rails_headline(lines: list[str]) -> Headline:
    """``NoMethodError (undefined method 'x' for nil):``, or ``NoMethodError: …`` as error reporters write it."""
    text = "\n".join(lines).strip()
    name, opening, rest = text.partition(" (")
    if opening and rest.rstrip(":").endswith(")") and name.replace("::", "").isalnum():
        module, _, type_name = name.rpartition("::")
        return Headline(type=type_name, value=rest.rstrip(":")[:-1], module=module)
    return find_headline(lines)
