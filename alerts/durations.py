"""Spans of time as people write and read them: ``5 min``, ``1 h 30 min``. Whole seconds. Pure."""

import re

_SIZES = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_SHORT = {"day": "d", "hour": "h", "minute": "min", "second": "s"}
# Every way to write a unit, in small letters.
_UNITS = {
    word: size
    for words, size in (
        (("w", "week", "weeks"), 7 * 86400),
        (("d", "day", "days"), 86400),
        (("h", "hr", "hrs", "hour", "hours"), 3600),
        (("m", "min", "mins", "minute", "minutes"), 60),
        (("s", "sec", "secs", "second", "seconds"), 1),
    )
    for word in words
}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)[\s,]*", re.ASCII)
_LONGEST = 10 * 366 * 86400


class DurationError(ValueError):
    """What is no span of time; the text says how to write one."""


def seconds_of(text: str) -> int:
    """``5 min``, ``90s``, ``1 h 30 min``, ``2 days``, or 0 without a unit. Raises DurationError."""
    told, at, seconds = text.strip().lower(), 0, 0.0
    if told == "0":
        return 0
    while at < len(told):
        part = _PART.match(told, at)
        if part is None or part[2] not in _UNITS:
            break
        seconds += float(part[1]) * _UNITS[part[2]]
        at = part.end()
    if not told or at < len(told):
        hint = " Say the unit, too." if told.isdigit() else ""
        raise DurationError(f"Write it as 30 s, 5 min, 1 h 30 min or 2 days.{hint}")
    if seconds != int(seconds):
        raise DurationError("It is counted in whole seconds: write it without a fraction of one.")
    if seconds > _LONGEST:
        raise DurationError("That is longer than ten years: write a shorter one.")
    return int(seconds)


def written(seconds: int) -> str:
    """``1 h 30 min``, ``0 s``: what `seconds_of` reads as the same."""
    return " ".join(f"{number} {_SHORT[noun]}" for number, noun in _parts(seconds)) or "0 s"


def in_full(seconds: int) -> str:
    """``1 hour 30 minutes``, to the second."""
    parts = [f"{number} {noun}{'' if number == 1 else 's'}" for number, noun in _parts(seconds)]
    return " ".join(parts) or "0 seconds"


def _parts(seconds: int) -> list[tuple[int, str]]:
    found, left = [], seconds
    for noun, size in _SIZES:
        number, left = divmod(left, size)
        if number:
            found.append((number, noun))
    return found
