"""Which language a stack is of, and its chain of exceptions."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from events.ingest.stacktrace.dotnet import parse_dotnet
from events.ingest.stacktrace.frames import MAX_EXCEPTIONS, without_middle
from events.ingest.stacktrace.go import parse_go
from events.ingest.stacktrace.javascript import parse_gecko, parse_v8
from events.ingest.stacktrace.jvm import parse_jvm
from events.ingest.stacktrace.php import parse_php
from events.ingest.stacktrace.python import parse_python
from events.ingest.stacktrace.ruby import parse_ruby
from events.ingest.types import ExceptionValue

# The ends of a longer text are read: the crash is at one of them in every language.
_MAX_TEXT: Final = 131_072
_MAX_LINE: Final = 2_000
# Longer ones are parsed each time: what is remembered must stay small.
_MAX_KNOWN_LENGTH: Final = 4_096

# A text goes to a dialect only when it contains the mark, so that prose costs eight substring searches and no parsing.
# The strict dialects come first: each of them refuses the frames of those below it.
_DIALECTS: Final[tuple[tuple[str, Callable[[list[str]], list[ExceptionValue]]], ...]] = (
    ('File "', parse_python),
    ("goroutine ", parse_go),
    ("#0 ", parse_php),
    ("at ", parse_jvm),
    ("at ", parse_v8),
    ("at ", parse_dotnet),
    (":in ", parse_ruby),
    ("@", parse_gecko),
)


def parse_stack(text: str) -> list[ExceptionValue]:
    """The chain a language-native stack describes; empty when the text is of no known language (keep the text then)."""
    # One cause sends one stack again and again. Whoever asks may write into the answer, so everybody gets a copy.
    return [_copy(one) for one in _parse_known(text)] if len(text) <= _MAX_KNOWN_LENGTH else _parse(text)


def _copy(one: ExceptionValue) -> ExceptionValue:
    copied = one.copy()
    if frames := one.get("frames"):
        copied["frames"] = [frame.copy() for frame in frames]
    return copied


def _parse(text: str) -> list[ExceptionValue]:
    if "\n" not in text and "\\n" in text:
        text = text.replace("\\n", "\n").replace("\\t", "\t")  # encoded twice on its way
    if len(text) > _MAX_TEXT:
        text = f"{text[: _MAX_TEXT // 2]}\n{text[-_MAX_TEXT // 2 :]}"
    lines: list[str] | None = None
    for mark, parse in _DIALECTS:
        if mark not in text:
            continue
        if lines is None:
            lines = [line.rstrip("\r")[:_MAX_LINE] for line in text.split("\n")]
        if chain := parse(lines):
            return without_middle(chain, MAX_EXCEPTIONS)
    return []


_parse_known = lru_cache(maxsize=512)(_parse)
