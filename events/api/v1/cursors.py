"""Cursors: a place in a list as text that clients hand back as they got it."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from events.api.problems import Problem
from events.keyset import Place

LONGEST = 300


@dataclass(frozen=True, slots=True)
class Cursors:
    """Of one list in one order, and of no other: ``name`` says which; ``kinds`` are the types of its keys."""

    name: str
    kinds: tuple[type, ...]

    def write(self, place: Place) -> str:
        content = [self.name, place.is_backwards, *(_as_text(value) for value in place.key)]
        return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")

    def read(self, text: str) -> Place:
        """Raises Problem 400 for whatever `write` cannot have made."""
        try:
            return self._read(text)
        except (ValueError, TypeError, OverflowError):
            raise Problem(
                400,
                "invalid_cursor",
                "This cursor does not belong here. Follow next and previous as they are; leave the cursor out to begin anew.",
            ) from None

    def _read(self, text: str) -> Place:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        name, is_backwards, *key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if name != self.name or not isinstance(is_backwards, bool):
            raise ValueError(name)
        return Place(tuple(_READERS[kind](one) for kind, one in zip(self.kinds, key, strict=True)), is_backwards)


def _as_text(value: Any) -> str | int:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if isinstance(value, int) else str(value)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.utcoffset() is None:
        raise ValueError(value)
    return moment.astimezone(UTC)


def _number(value: Any) -> int:
    if type(value) is not int or abs(value) >= 1 << 63:
        raise ValueError(value)
    return value


def _uuid(value: Any) -> UUID:
    if not isinstance(value, str):
        raise TypeError(value)
    return UUID(value)


_READERS: Mapping[type, Callable[[Any], Any]] = {datetime: _moment, int: _number, UUID: _uuid}
