"""Fields of JSON bodies, read strictly: a number is no text, and a text no number. Query parameters have their own
(events.api.v1.parameters), where everything is a text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rest_framework import serializers

from events.api.v1.parameters import Moment, Text, Word

LONGEST_SECONDS = 366 * 86400
_LONGEST_LABEL = 100
_MOST_VALUES = 100


class JsonText(Text):
    """A text of one to so many characters."""

    def __init__(self, **options: Any) -> None:
        # Said, so that the description of the API says it, too.
        shortest = {} if options.get("allow_blank") else {"min_length": 1}
        super().__init__(**{"required": True, **shortest, **options})
        self.error_messages["blank"] = "It is empty."

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("It is no text.")
        return super().to_internal_value(data)


class JsonWhole(serializers.IntegerField):
    """A whole number; 2.0 is one, too, as JSON has it."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
            raise serializers.ValidationError("It is no whole number.")
        return int(data)


class JsonFlag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("It is neither true nor false.")
        return data


class JsonMoment(Moment):
    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str):
            raise serializers.ValidationError("It is no time. Write it as 2026-03-04T12:00:00Z.")
        return super().to_internal_value(data)


class JsonList(serializers.ListField):
    """Up to a hundred values; what stands there twice counts once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": _MOST_VALUES, **options})

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            raise serializers.ValidationError("It is no list.")
        if len(data) > _MOST_VALUES:
            raise serializers.ValidationError(f"It has more than {_MOST_VALUES} values.")
        return list(dict.fromkeys(super().to_internal_value(data)))


def words_field(choices: Sequence[Any], **options: Any) -> JsonList:
    """Some of a few words."""
    return JsonList(child=Word(choices=choices), required=False, **options)


def texts_field(longest: int, **options: Any) -> JsonList:
    return JsonList(child=JsonText(max_length=longest), required=False, **options)


class JsonTexts(serializers.DictField):
    """Texts by their names."""

    def __init__(self, *, longest: int, **options: Any) -> None:
        super().__init__(child=JsonText(max_length=longest, allow_blank=True), **options)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("It is no object.")
        if any(not 0 < len(name) <= _LONGEST_LABEL or "\x00" in name for name in data):
            raise serializers.ValidationError(f"Names have 1 to {_LONGEST_LABEL} characters.")
        return dict(super().to_internal_value(data))
