"""The parameters of a saved question: what they are declared as, and reading what a person typed for them. Pure."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_PARAMETERS = 20
_LONGEST_VALUE = 1000
LONGEST_NAME = 63
_NAME = re.compile(rf"[A-Za-z_][A-Za-z0-9_]{{0,{LONGEST_NAME - 1}}}\Z")
_LARGEST = 2**63 - 1

# What a parameter may be: the word it is saved as, what people call it, PostgreSQL's type.
TYPES: dict[str, tuple[str, str]] = {
    "text": ("Text", "text"),
    "integer": ("Whole number", "bigint"),
    "number": ("Number", "numeric"),
    "boolean": ("Yes or no", "boolean"),
    "date": ("Date", "date"),
    "timestamp": ("Date and time", "timestamptz"),
}
# PostgreSQL's types as a parameter has them; the others are texts.
_OF_POSTGRESQL = {
    **dict.fromkeys(("int2", "int4", "int8"), "integer"),
    **dict.fromkeys(("float4", "float8", "numeric"), "number"),
    **dict.fromkeys(("timestamp", "timestamptz"), "timestamp"),
    "bool": "boolean",
    "date": "date",
}
_BOOLEANS = {"true": "true", "yes": "true", "false": "false", "no": "false"}


class ParameterError(ValueError):
    """A value is not what its parameter is declared as; the text says what to write."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


@dataclass(frozen=True, slots=True)
class Parameter:
    """``:name`` in a statement. ``default`` is as a person types it; ``type`` is "" while nobody said what it is."""

    name: str
    type: str
    default: str = ""

    @property
    def cast(self) -> str:
        """What follows its number in SQL: "::bigint", or "" where PostgreSQL is to tell from the place."""
        return f"::{TYPES[self.type][1]}" if self.type else ""

    def read(self, text: str, zone: tzinfo) -> str | None:
        """What is bound for the text: None (NULL) for nothing, except that a text may be empty.

        A date and time without an offset is on the reader's clock. Raises ParameterError.
        """
        if "\x00" in text or len(text) > _LONGEST_VALUE:
            raise ParameterError(self.name, f":{self.name} has at most {_LONGEST_VALUE} characters.")
        if self.type == "text":
            return text
        text = text.strip()
        if not text:
            return None
        try:
            return _READERS[self.type](text, zone)
        except (ValueError, OverflowError, InvalidOperation):
            raise ParameterError(self.name, f":{self.name} is {_EXAMPLES[self.type]}, not “{text[:40]}”.") from None


def type_of(postgresql_type: str) -> str:
    """What a parameter is that stands where PostgreSQL takes this type, such as int8."""
    return _OF_POSTGRESQL.get(postgresql_type, "text")


def read_declarations(saved: Any) -> list[Parameter]:
    """Parameters from their JSON: ``[{"name": "days", "type": "integer", "default": "7"}]``. Raises ParameterError."""
    if not isinstance(saved, list) or len(saved) > MOST_PARAMETERS:
        raise ParameterError("", f"Parameters are a list of at most {MOST_PARAMETERS}.")
    found: dict[str, Parameter] = {}
    for item in saved:
        parameter = _read_declaration(item)
        if parameter.name in found:
            raise ParameterError(parameter.name, f":{parameter.name} is declared twice.")
        found[parameter.name] = parameter
    return list(found.values())


def read_what_can_be(saved: Any) -> tuple[list[Parameter], str]:
    """The parameters that can be read, and what is wrong with the first that cannot; "" when nothing is."""
    try:
        return read_declarations(saved), ""
    except ParameterError as error:
        problem = str(error)
    found: dict[str, Parameter] = {}
    for item in saved[:MOST_PARAMETERS] if isinstance(saved, list) else []:
        with suppress(ParameterError):
            parameter = _read_declaration(item)
            found.setdefault(parameter.name, parameter)
    return list(found.values()), problem


def as_declarations(parameters: Mapping[str, Parameter]) -> list[dict[str, str]]:
    """The JSON that they are saved as."""
    return [{"name": one.name, "type": one.type, "default": one.default} for one in parameters.values()]


def _read_declaration(item: Any) -> Parameter:
    if not isinstance(item, dict) or not all(isinstance(value, str) for value in item.values()):
        raise ParameterError("", "A parameter has a name, a type and a default, each a text.")
    parameter = Parameter(item.get("name", ""), item.get("type", ""), item.get("default", ""))
    if not _NAME.match(parameter.name):
        raise ParameterError(parameter.name, f"A parameter's name is a word such as days, not “{parameter.name[:40]}”.")
    if parameter.type not in TYPES:
        raise ParameterError(parameter.name, f":{parameter.name} is one of {', '.join(TYPES)}.")
    parameter.read(parameter.default, UTC)
    return parameter


def _integer(text: str, zone: tzinfo) -> str:
    number = int(text.replace(",", ""))
    if abs(number) > _LARGEST:
        raise OverflowError
    return str(number)


def _number(text: str, zone: tzinfo) -> str:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > 300:
        raise OverflowError
    return str(number)


def _boolean(text: str, zone: tzinfo) -> str:
    if text.lower() not in _BOOLEANS:
        raise ValueError
    return _BOOLEANS[text.lower()]


def _date(text: str, zone: tzinfo) -> str:
    return date.fromisoformat(text).isoformat()


def _timestamp(text: str, zone: tzinfo) -> str:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC).isoformat()


_READERS = {
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
}
_EXAMPLES = {
    "integer": "a whole number such as 24",
    "number": "a number such as 0.5",
    "boolean": "yes or no",
    "date": "a date such as 2026-03-29",
    "timestamp": "a time such as 2026-03-29 22:00",
}
