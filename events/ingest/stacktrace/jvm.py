"""Stacks of Java, Kotlin and Scala."""

import re

from events.ingest.stacktrace.frames import exception, frame
from events.ingest.stacktrace.headline import find_headline
from events.ingest.types import ExceptionValue, Frame

_FRAME = re.compile(
    r"\s{0,200}at (?:[^\s(/$]{0,200}/){0,3}"  # class loader and module: app//, java.base/
    r"([^\s(]{1,400})\.([^\s(/.]{1,200})"
    r"\((?:([^():\s]{1,200}\.(?:java|kt|kts|scala|groovy|clj))(?::(-?\d{1,9}))?"
    r"|Native Method|Unknown Source|<generated>)\)"
)


def parse_jvm(lines: list[str]) -> list[ExceptionValue]:
    """``    at package.Class.method(File.java:12)``, crash first; ``Caused by:`` follows its consequence."""
    chain: list[ExceptionValue] = []
    above: list[str] = []
    frames: list[Frame] = []
    suppressed = False

    def close() -> None:
        if frames or (chain and above):
            type_name, value, module = find_headline(above)
            chain.append(exception(type_name=type_name, value=value, module=module, frames=frames[::-1]))

    for line in lines:
        if found := _FRAME.match(line):
            if not suppressed:
                module, function, filename, number = found.groups()
                frames.append(frame(function=function, module=module, filename=filename or "", line=number))
        elif line.lstrip().startswith("Caused by: "):
            # A cause inside a suppressed exception is indented and belongs to that one.
            if suppressed and line[0].isspace():
                continue
            close()
            above, frames, suppressed = [line], [], False
        elif line.lstrip().startswith("Suppressed: "):
            suppressed = True
        elif not frames and not suppressed:
            above.append(line)
    close()
    return chain[::-1] if any(one.get("frames") for one in chain) else []
