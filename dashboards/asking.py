"""What an address asks for, and addresses that ask: the same words for pages and the API. Pure.

``window`` is 1h, 24h, 7d, 30d or custom; a custom one goes from ``from`` to ``to`` (ISO 8601; without an offset on the reader's
clock). ``service`` (an id), ``environment`` and ``release`` narrow it; the first two may be said several times.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import urlencode

from dashboards.reports.question import Filters, Question, filters_of
from dashboards.window import DEFAULT, PRESETS, Window, WindowError, custom, preset

_LONGEST_TEXT = 200
_SPELT = {"1h": "hour", "24h": "24 hours", "7d": "7 days", "30d": "30 days"}
_LARGEST_ID = 2**31 - 1
_SEVERAL = ("service", "environment")
_MOST_VALUES = 100
# The words of an address: texts, or lists of texts for what may be said several times.
Query = Mapping[str, Any]


class AskedError(ValueError):
    """The address asks for what there is not; ``parameter`` is the word of it that is wrong."""

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(detail)
        self.parameter = parameter


def words_of(lists: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Any]:
    """A Query of an address that may say words several times; of those that may not the last one counts."""
    return {word: list(values) if word in _SEVERAL else values[-1] for word, values in lists if values}


def read_question(query: Query, *, now: datetime, zone: tzinfo) -> Question:
    """Raises AskedError."""
    return Question(_window(query, now, zone), zone, _filters(query))


def read_question_mildly(query: Query, *, now: datetime, zone: tzinfo, default: str = DEFAULT) -> tuple[Question, str]:
    """For people: what can be read of it, and what is wrong with the rest in words ("" for nothing).

    ``default`` is the window (a name of PRESETS) of an address that names none.
    """
    problems = []
    window, filters = preset(default, now), Filters()
    try:
        window = _window(query, now, zone, default)
    except AskedError as error:
        problems.append(f"{error} This is the last {_SPELT[default]} instead.")
    try:
        filters = _filters(query)
    except AskedError as error:
        problems.append(f"{error} It is left out.")
    return Question(window, zone, filters), " ".join(problems)


def query_of(question: Question, /, **changes: Any) -> dict[str, str | list[str]]:
    """The words of an address that asks this question; ``changes`` replace or add some, None leaves one out.

    A list where there are several values.
    """
    window, filters = question.window, question.filters
    words: dict[str, Any] = {"window": window.name}
    if window.name not in PRESETS:
        words |= {"from": instant(window.start), "to": instant(window.end)}
    words |= {"service": filters.services, "environment": filters.environments, "release": filters.release}
    words |= changes
    return {word: _written(value) for word, value in words.items() if value not in (None, "", (), [])}


def _written(value: Any) -> str | list[str]:
    if not isinstance(value, (tuple, list)):
        return str(value)
    return str(value[0]) if len(value) == 1 else [str(one) for one in value]


def address_of(path: str, question: Question, /, **changes: Any) -> str:
    """The path with the question behind it."""
    return f"{path}?{urlencode(query_of(question, **changes), doseq=True)}"


def narrowed(question: Question, **changes: Any) -> Question:
    """The same with other filters."""
    return replace(question, filters=replace(question.filters, **changes))


def instant(at: datetime) -> str:
    """``2026-03-29T22:00Z``: means the same to every reader."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")


def _window(query: Query, now: datetime, zone: tzinfo, default: str = DEFAULT) -> Window:
    name = query.get("window", "") or ("custom" if query.get("from") else default)
    if name in PRESETS:
        return preset(name, now)
    if name != "custom":
        raise AskedError("window", f"A window is {', '.join(PRESETS)} or custom, not {name[:20]!r}.")
    start = _time(query, "from", zone)
    end = _time(query, "to", zone) if query.get("to") else now
    try:
        return custom(start, end, now)
    except WindowError as error:
        raise AskedError("from", str(error)) from None


def _time(query: Query, word: str, zone: tzinfo) -> datetime:
    text = query.get(word, "")
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise AskedError(word, f"“{word}” is a time such as 2026-03-29T22:00Z, not {text[:40]!r}.") from None


def entered(query: Query, word: str, zone: tzinfo) -> str:
    """A time of the address as a field for local times has it, on the reader's clock; "" for what is none."""
    try:
        at = datetime.fromisoformat(query.get(word, ""))
        return (at.astimezone(zone) if at.tzinfo else at).replace(tzinfo=None).isoformat("T", "minutes")
    except (ValueError, OverflowError):
        return ""


def _filters(query: Query) -> Filters:
    services = _values(query, "service")
    for one in services:
        if not (one.isascii() and one.isdecimal() and int(one[:11]) <= _LARGEST_ID):
            raise AskedError("service", f"“service” is the number of a service, not {one[:20]!r}.")
    environments = [_checked(one, "environment") for one in _values(query, "environment")]
    return filters_of((int(one) for one in services), environments, _checked(query.get("release", ""), "release"))


def _values(query: Query, word: str) -> list[str]:
    found = query.get(word, "")
    values = [one for one in ([found] if isinstance(found, str) else found) if one]
    if len(values) > _MOST_VALUES:
        raise AskedError(word, f"“{word}” is said at most {_MOST_VALUES} times.")
    return values


def _checked(text: str, word: str) -> str:
    if len(text) > _LONGEST_TEXT or "\x00" in text:
        raise AskedError(word, f"“{word}” has at most {_LONGEST_TEXT} characters.")
    return text
