"""Stacks of Python: tracebacks, chained ones and exception groups."""

import re

from events.ingest.stacktrace.frames import MAX_NAME_LENGTH, exception, frame
from events.ingest.stacktrace.headline import read_headline
from events.ingest.types import ExceptionValue, Frame

_FRAME = re.compile(r'  File "([^"\n]{1,1000})", line (\d{1,10})(?:, in (.{1,500}))?')
_MARGIN = re.compile(r"(?:  ){0,40}[|+] ?")
# What stands between the members of a group, its margin taken off; the last one carries no number.
_RULE = re.compile(r"-?\+?-{10,60}(?: (\d{1,6}) -{10,60})?\Z")
_CARETS = re.compile(r"[ ~^]{1,1000}\Z")
_HEADERS = ("Traceback (most recent call last):", "Exception Group Traceback (most recent call last):")
_LINKS = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)


def parse_python(lines: list[str]) -> list[ExceptionValue]:
    """Oldest cause first and caller first, as Python prints them; a group's members come before the group."""
    reader = _Reader()
    group: int | None = None
    for line in lines:
        if line[:1] in " |+" and (margin := _MARGIN.match(line)):
            line = line[margin.end() :]
        reader.read(line)
        if group is None and line.startswith(_HEADERS[1]):
            group = len(reader.chain)
    reader.close()
    chain = reader.chain
    if group is not None and group < len(chain):
        chain.append(chain.pop(group))
    return chain


class _Reader:
    """Collects frames until the line that names the exception, then that exception's value until the next traceback."""

    def __init__(self) -> None:
        self.chain: list[ExceptionValue] = []
        self.frames: list[Frame] = []
        self.named: list[str] = []
        # A member that was never raised has a name and no traceback.
        self.is_member = False

    def read(self, line: str) -> None:
        if line.startswith(_HEADERS) or line in _LINKS:
            self.close()
        elif rule := _RULE.match(line):
            self.close()
            self.is_member = rule.group(1) is not None
        elif found := _FRAME.match(line):
            if self.named:
                self.close()
            filename, lineno, function = found.groups()
            self.frames.append(frame(function=function or "", filename=filename, line=lineno))
        elif self.named:
            self.named.append(line)
        elif self.frames and line.startswith("    "):
            if not _CARETS.match(line):
                self.frames[-1].setdefault("context_line", line.strip()[:MAX_NAME_LENGTH])
        elif (self.frames or self.is_member) and line and not line.startswith(" "):
            self.named.append(line)

    def close(self) -> None:
        """End the exception that is being read, if any."""
        if self.frames or self.named:
            type_name, value, module = read_headline("\n".join(self.named), any_case=True)
            self.chain.append(exception(type_name=type_name, value=value, module=module, frames=self.frames))
        self.frames, self.named, self.is_member = [], [], False
