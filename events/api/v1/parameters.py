"""Query parameters, read strictly: what is unknown or malformed is refused with what would be right, never ignored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from rest_framework import serializers

from events.api.problems import Problem
from events.api.v1.cursors import LONGEST

LONGEST_NAME = 200
LONGEST_TEXT = 500
_MOST_REFUSALS = 20
_MOST_TEXTS = 100
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)
# Times beyond these mean the same as these: nothing is older or newer.
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


class Words(serializers.MultipleChoiceField):
    """One or several of a few words: repeated, or in one list with commas."""

    def to_internal_value(self, data: Any) -> Any:
        for word in data:
            if word not in self.choices:
                raise serializers.ValidationError(f"“{_short(word)}” is none of {', '.join(self.choices)}.")
        return list(dict.fromkeys(data))


class Word(serializers.ChoiceField):
    """One of a few words."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(f"“{_short(data)}” is none of {', '.join(self.choices)}.")
        return data


class Text(serializers.CharField):
    """A text of one to so many characters."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": LONGEST_TEXT, "required": False, "trim_whitespace": False, **options})
        self.error_messages["blank"] = "It is empty. Give a value, or leave the parameter out."


class Texts(serializers.ListField):
    """One or several texts: repeated."""

    def __init__(self, **options: Any) -> None:
        text = {"min_length": 1, "max_length": options.pop("max_length", LONGEST_TEXT)}
        super().__init__(**{"child": Text(**text), "required": False, "max_length": _MOST_TEXTS, **options})


class WholeNumber(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if not _NUMBER.fullmatch(data):
            raise serializers.ValidationError(f"“{_short(data)}” is not a whole number.")
        return int(data)


class Truth(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if data not in ("true", "false"):
            raise serializers.ValidationError(f"“{_short(data)}” is neither true nor false.")
        return bool(data == "true")


class Moment(serializers.DateTimeField):
    """A time with its offset (RFC 3339); becomes UTC."""

    def to_internal_value(self, data: Any) -> datetime:
        if re.fullmatch(r"\S+[ ]\d\d:\d\d", data):
            raise serializers.ValidationError(
                "In an address a plus sign is written %2B; or give the time in UTC, with Z."
            )
        moment = _moment(data)
        if moment is None:
            raise serializers.ValidationError(
                f"“{_short(data)}” is no time with an offset. Write it as 2026-03-04T12:00:00Z."
            )
        return min(max(moment, _EARLIEST), _LATEST).astimezone(UTC)


def _moment(text: str) -> datetime | None:
    if not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


class Parameters(serializers.Serializer[Any]):
    """Those that every list has; a subclass adds the filters of its own."""

    limit = WholeNumber(default=50, min_value=1, max_value=100, help_text="Rows on a page.")
    cursor = Text(max_length=LONGEST, help_text="Where the page begins: taken from `next` or `previous`, as it is.")

    @classmethod
    def read(cls, query: QueryDict) -> dict[str, Any]:
        """The values by name, those that were not given left out unless they have a default. Raises Problem 400."""
        fields = cls().fields
        given: dict[str, Any] = {}
        refused: list[tuple[str, str]] = []
        for name in query:
            values = query.getlist(name)
            if name not in fields:
                refused.append((_short(name), f"There is no such parameter. There are {', '.join(sorted(fields))}."))
            elif isinstance(fields[name], Words):
                given[name] = [word for value in values for word in value.split(",")]
            elif isinstance(fields[name], Texts):
                given[name] = values
            elif len(values) > 1:
                refused.append((name, "Give it once."))
            else:
                given[name] = values[0]
        return checked(cls(data=given), refused)

    @staticmethod
    def refuse_all(query: QueryDict) -> None:
        """For what takes none. Raises Problem 400."""
        if query:
            raise refusal([(_short(name), "There is no such parameter; this address takes none.") for name in query])


def checked(serializer: serializers.Serializer[Any], refused: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """The values of a serializer with data. Raises Problem 400 that names each field at fault, those in ``refused`` first."""
    if not serializer.is_valid():
        refused = [*refused, *_messages(serializer.errors)]
    if refused:
        raise refusal(refused)
    return dict(serializer.validated_data)


def refusal(refused: Sequence[tuple[str, str]]) -> Problem:
    """The Problem for (field, what is wrong with it), one or more."""
    errors = [{"field": field, "detail": detail} for field, detail in refused[:_MOST_REFUSALS]]
    field, detail = refused[0]
    return Problem(400, "invalid_request", f"{field}: {detail}", errors=errors)


def _messages(errors: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, found in errors.items():
        # Of a list of values: by the place of each.
        details = [detail for place in found.values() for detail in place] if isinstance(found, dict) else found
        yield from ((field, str(detail)) for detail in details)


def _short(text: Any) -> str:
    return str(text)[:60]
