"""Mending what clients send so that PostgreSQL can keep it: each change is marked, nothing is silently altered.

Values come from a JSON parser; what goes out is what ``jsonb`` takes: no NUL, no lone surrogates, no NaN, 64-bit whole
numbers, bounded text, bounded width. Nesting beyond the limit cannot be mended and raises :class:`TooDeepError`.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from events.ingest.types import Mark

MAX_DEPTH = 100
MAX_TEXT = 16_384
MAX_KEY = 200
MAX_KEYS = 500  # of one object
MAX_ITEMS = 1_000  # of one array
MAX_NODES = 20_000  # of one event
OLDEST = timedelta(days=30)
LONGEST_DURATION_MS = timedelta(days=3653) / timedelta(milliseconds=1)
FURTHEST_AHEAD = timedelta(minutes=1)
_YOUNGEST = -FURTHEST_AHEAD
# A number with more digits than this is kept as text; reading it as a number would cost quadratic time.
MOST_DIGITS = 300
_LARGEST_INT = 2**63 - 1

# Why a field was mended: the sentence that the admin shows for a rule id.
RULES: dict[str, str] = {
    "cardinality": "Was one value too many of its service; became “other”, and its own words are in the data",
    "burst": "Would have been one new issue too many in that hour; folded into the service's burst issue",
    "nul": "Held NUL characters, which PostgreSQL cannot keep; they were replaced",
    "surrogate": "Held half of a surrogate pair (broken UTF-16); it was replaced",
    "not_a_number": "Was NaN or infinite, which JSON does not have; now null",
    "number_too_large": "Was a whole number beyond 64 bits; kept as text",
    "duration_too_long": "Lasted longer than ten years, which cannot be meant; not counted as a duration",
    "text_truncated": "Was longer than the limit; the end was cut",
    "keys_dropped": "Had more keys than the limit; the last ones were dropped",
    "items_dropped": "Had more items than the limit; the last ones were dropped",
    "key_mended": "Had a key that was too long or held unstorable characters",
    "wrong_type": "Was not of the type that this field has; converted, or kept in data",
    "severity_unknown": "Named a severity that is not known; the catalogue's default was used",
    "timestamp_unreadable": "Was not a time; the time of arrival was used",
    "timestamp_future": "Lay more than a minute ahead; the time of arrival was used",
    "timestamp_past": "Lay more than 30 days back; the time of arrival was used",
    "event_id_hashed": "Was not a UUID; one was derived from it, so that repeats are still recognised",
    "breadcrumbs_dropped": "More breadcrumbs than the limit; the oldest were dropped",
    "tags_dropped": "More tags than the limit; the last ones were dropped",
}


class HugeNumber(str):
    """The digits of a number too long to be read as one."""

    __slots__ = ()


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class TooDeepError(ValueError):
    """Nested deeper than MAX_DEPTH, or with more values than MAX_NODES."""


def mend_text(text: str, path: str, marks: list[Mark], *, limit: int = MAX_TEXT) -> str:
    """Text that PostgreSQL can keep. NUL and lone surrogates become U+FFFD; cut at ``limit`` characters."""
    # Nearly every text is short and ASCII, and asking for that costs a third of a search.
    if len(text) <= limit and text.isascii() and "\x00" not in text:
        return text
    if _UNSTORABLE.search(text):
        if "\x00" in text:
            marks.append({"path": path, "rule": "nul"})
        if any("\ud800" <= char <= "\udfff" for char in text):
            marks.append({"path": path, "rule": "surrogate"})
        text = _UNSTORABLE.sub("\ufffd", text)
    if len(text) > limit:
        marks.append({"path": path, "rule": "text_truncated"})
        text = text[:limit]
    return text


def mend_key(key: str, path: str, marks: list[Mark]) -> str:
    """A field's name that PostgreSQL can keep, at most MAX_KEY characters; ``path`` is where the field stands ("" at the top)."""
    if len(key) <= MAX_KEY and (key.isidentifier() or not _UNSTORABLE.search(key)):
        return key
    name = _UNSTORABLE.sub("\ufffd", key[:MAX_KEY])
    marks.append({"path": f"{path}.{name}" if path else name, "rule": "key_mended"})
    return name


def mend(value: Any, path: str, marks: list[Mark]) -> Any:
    """The same JSON value with everything unstorable mended, containers rebuilt. Raises TooDeepError."""
    # Most values of most events are such texts. The same question stands in _object and where a protocol has a loop of
    # its own: a call would double its cost.
    if type(value) is str and len(value) <= MAX_TEXT and value.isascii() and "\x00" not in value:
        return value
    return _Mender(marks).mend(value, path, 0)


class _Mender:
    """One walk over one event; counts the values that it meets."""

    def __init__(self, marks: list[Mark]) -> None:
        self.marks = marks
        self.nodes = 1

    def mend(self, value: Any, path: str, depth: int) -> Any:
        """The value mended; whoever holds it has counted it."""
        if isinstance(value, str):
            if isinstance(value, HugeNumber):
                self.marks.append({"path": path, "rule": "number_too_large"})
                return f"{value[:MOST_DIGITS]}…"
            return mend_text(value, path, self.marks)
        if value is None or value is True or value is False:
            return value
        if isinstance(value, int):
            return self._whole_number(value, path)
        if isinstance(value, float):
            return self._real_number(value, path)
        if depth >= MAX_DEPTH:
            raise TooDeepError(f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            return self._object(value, path, depth)
        return self._array(value, path, depth)

    def _count(self, values: int) -> None:
        self.nodes += values
        if self.nodes > MAX_NODES:
            raise TooDeepError(f"more than {MAX_NODES} values in one event")

    def _whole_number(self, value: int, path: str) -> int | str:
        if -_LARGEST_INT <= value <= _LARGEST_INT:
            return value
        self.marks.append({"path": path, "rule": "number_too_large"})
        return str(value)

    def _real_number(self, value: float, path: str) -> float | None:
        if math.isfinite(value):
            return value
        self.marks.append({"path": path, "rule": "not_a_number"})
        return None

    def _object(self, value: dict[str, Any], path: str, depth: int) -> dict[str, Any]:
        if len(value) > MAX_KEYS:
            return self._wide_object(value, path, depth)
        self._count(len(value))
        mended: dict[str, Any] = {}
        for key, child in value.items():
            name = key if key.isidentifier() and len(key) <= MAX_KEY else mend_key(key, path, self.marks)
            kind = type(child)  # not isinstance: a HugeNumber is a str that needs mending
            if (
                (kind is str and len(child) <= MAX_TEXT and child.isascii() and "\x00" not in child)
                or (kind is int and -_LARGEST_INT <= child <= _LARGEST_INT)
                or child is None
                or kind is bool
            ):
                mended[name] = child
            else:  # a path is only made for what may need one
                mended[name] = self.mend(child, f"{path}.{name}", depth + 1)
        return mended

    def _wide_object(self, value: dict[str, Any], path: str, depth: int) -> dict[str, Any]:
        mended: dict[str, Any] = {}
        for key, child in value.items():
            if len(mended) >= MAX_KEYS:
                self.marks.append({"path": path, "rule": "keys_dropped"})
                break
            self._count(1)
            name = mend_key(key, path, self.marks)
            mended[name] = self.mend(child, f"{path}.{name}", depth + 1)
        return mended

    def _array(self, value: list[Any], path: str, depth: int) -> list[Any]:
        if len(value) > MAX_ITEMS:
            self.marks.append({"path": path, "rule": "items_dropped"})
            value = value[:MAX_ITEMS]
        self._count(len(value))
        return [self.mend(child, f"{path}.{index}", depth + 1) for index, child in enumerate(value)]


def read_time(value: Any, path: str, *, received_at: datetime, marks: list[Mark]) -> datetime:
    """The moment a client means: ISO 8601 (no zone: UTC) or epoch seconds, ms, µs or ns, told apart by magnitude.

    A time that cannot be read, lies over a minute ahead or over 30 days back becomes ``received_at`` and is marked.
    """
    if value is None or value == "":
        return received_at
    moment = _parse_time(value)
    if moment is None:
        marks.append({"path": path, "rule": "timestamp_unreadable"})
        return received_at
    age = received_at - moment
    if age < _YOUNGEST:
        marks.append({"path": path, "rule": "timestamp_future"})
    elif age > OLDEST:
        marks.append({"path": path, "rule": "timestamp_past"})
    else:
        return moment
    return received_at


def _parse_time(value: Any) -> datetime | None:
    if isinstance(value, str):
        text = value.strip()[:64]
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            try:
                return _from_epoch(float(text))
            except ValueError:
                return None
        if moment.tzinfo is UTC:
            return moment
        try:
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except OverflowError:
            return None
    return _from_epoch(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _from_epoch(number: float) -> datetime | None:
    try:
        magnitude = abs(number)
        divisor = 1 if magnitude < 1e11 else 1e3 if magnitude < 1e14 else 1e6 if magnitude < 1e17 else 1e9
        return datetime.fromtimestamp(number / divisor, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def read_number(value: Any, path: str, marks: list[Mark]) -> float | None:
    """A number that is not negative, from a number or a numeric text; anything else is None and marked."""
    if value is None or value == "":
        return None
    number = math.nan
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
    if math.isfinite(number) and number >= 0:
        if isinstance(value, str):
            marks.append({"path": path, "rule": "wrong_type"})
        return number
    marks.append({"path": path, "rule": "wrong_type"})
    return None


def read_duration(value: Any, path: str, marks: list[Mark], *, unit_ms: float = 1.0) -> float | None:
    """Milliseconds, from a number of units; one that cannot be meant is None and marked, so that it spoils no average."""
    number = read_number(value, path, marks)
    if number is None:
        return None
    if number > LONGEST_DURATION_MS / unit_ms:
        marks.append({"path": path, "rule": "duration_too_long"})
        return None
    return number * unit_ms


def read_text(value: Any, path: str, marks: list[Mark], *, limit: int) -> str:
    """Text of at most ``limit`` characters; numbers are converted and marked, containers are left out and marked."""
    if value is None:
        return ""
    if isinstance(value, str):
        text = value.strip()
        is_clean = len(text) <= limit and text.isascii() and "\x00" not in text
        return text if is_clean else mend_text(text, path, marks, limit=limit)
    marks.append({"path": path, "rule": "wrong_type"})
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    return str(value)[:limit]
