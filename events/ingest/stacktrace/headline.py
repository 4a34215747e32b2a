"""The line that names an exception: ``TypeError: x is not a function``, ``java.lang.IllegalStateException``."""

import re
from typing import NamedTuple

_PREFIX = re.compile(
    r"(?:(?:Uncaught|Unhandled(?: exception[.:]?| Promise Rejection:?| Rejection:?)?"
    r"|PHP Fatal error:|Fatal error:|PHP Warning:|\(in promise\)"
    r"|Exception in thread \"[^\"\n]{0,200}\"|Caused by:|\[cause\]:|Next)[ \t]+){0,6}"
)
_TYPED = re.compile(
    r"\\?((?:[A-Za-z_$][\w$]{0,99}(?:\.|::|\\)){0,20})([A-Za-z_$][\w$`]{0,149})"  # modules, then the type itself
    r"(?:[ ]\[([A-Za-z][\w-]{1,60})\])?"  # node's error code: TypeError [ERR_INVALID_ARG_TYPE]: …
    r"[ ]?(?::[ \t]*(.*))?\Z",
    re.DOTALL | re.ASCII,
)
_SURE = re.compile(r"(?:Error|Exception|Warning|Failure|Fault|Exit|Interrupt|Timeout|Throwable|Panic)\Z")
_MAX_LINES = 200


class Headline(NamedTuple):
    """What an exception's own line says; ``type`` is empty when the line names none."""

    type: str = ""
    value: str = ""
    module: str = ""


def read_headline(text: str, *, any_case: bool = False) -> Headline:
    """Split ``module.Type: value``. Without a type the whole text is the value.

    A type starts with a capital or ends like one ("…Error"), so that "timeout: no answer" stays a message;
    ``any_case`` accepts every identifier, for dialects in which the place of the line proves that it names a type.
    """
    text = text.strip()
    rest = text[_PREFIX.match(text).end() :]  # type: ignore[union-attr]  # the pattern matches the empty string
    found = _TYPED.match(rest)
    if not found:
        return Headline(value=rest)
    modules, name, code, value = found.groups()
    if not (any_case or name[0].isupper() or _SURE.search(name)):
        return Headline(value=rest)
    value = (value or "").strip()
    return Headline(type=name, value=f"[{code}] {value}".strip() if code else value, module=modules.rstrip(".:\\"))


def find_headline(lines: list[str]) -> Headline:
    """The headline among the lines above the first frame; further lines belong to the value.

    Runtimes print source lines and carets first, so the first line that surely names a type wins over the first line.
    """
    filled = [line.strip() for line in lines[-_MAX_LINES:]]
    while filled and not filled[0]:
        filled.pop(0)
    if not filled:
        return Headline()
    start = 0
    for index, line in enumerate(filled):
        named = read_headline(line)
        if named.type and _SURE.search(named.type):
            start = index
            break
    return read_headline("\n".join(filled[start:]))
