"""Which events a rule is about. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Words:
    """By what an event is counted (a series of events.rollups)."""

    service_id: int
    name: str
    severity: str
    endpoint: str = ""
    environment: str = ""
    release: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def label(self, word: str) -> str:
        """The value of a word that alerts may be grouped by; "" where the event has none."""
        if word == "service":
            return str(self.service_id)
        value = getattr(self, word, None)
        return value if isinstance(value, str) else str(self.labels.get(word, ""))


@dataclass(frozen=True, slots=True)
class Match:
    """Empty parts leave everything; ``*`` in names and endpoints stands for anything.

    ``tag`` is a name, ``name:value`` or ``name>=number``.
    """

    service_id: int | None = None
    environments: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    tag: str = ""

    def takes(self, words: Words) -> bool:
        """Whether an event with these words is meant; its tags are looked at by `takes_tags`."""
        return (
            (self.service_id is None or self.service_id == words.service_id)
            and (not self.severities or words.severity in self.severities)
            and (not self.environments or words.environment in self.environments)
            and self.takes_name(words.name)
            and self.takes_endpoint(words.endpoint)
        )

    def takes_name(self, name: str) -> bool:
        return not self.names or any(is_like(name, one) for one in self.names)

    def takes_endpoint(self, endpoint: str) -> bool:
        return not self.endpoints or any(is_like(endpoint, one) for one in self.endpoints)

    def takes_tags(self, *places: Mapping[str, object]) -> bool:
        """``places``: where the tag may be: an event's tags, its data, its labels."""
        if not self.tag:
            return True
        name, is_number, least = self.tag.partition(">=")
        if is_number and (limit := _number(least)) is not None:
            found = (_number(place[name.strip()]) for place in places if name.strip() in place)
            return any(number is not None and number >= limit for number in found)
        name, has_value, value = self.tag.partition(":")
        return any(name in place and (not has_value or _written(place[name]) == value) for place in places)

    def in_words(self, service_name: str = "") -> str:
        """“errors named api_* of lift web in production at /api/*”."""
        severities = f"{_either(self.severities)} events" if self.severities else "events"
        parts = [severities]
        if self.names:
            parts.append(f"named {_either(self.names)}")
        if self.service_id is not None:
            parts.append(f"of {service_name or f'service {self.service_id}'}")
        if self.environments:
            parts.append(f"in {_either(self.environments)}")
        if self.endpoints:
            parts.append(f"at {_either(self.endpoints)}")
        if self.tag:
            parts.append(f"with {self.tag}")
        return " ".join(parts)


def _number(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except ValueError:
        return None


def _written(value: object) -> str:
    """As it stands in JSON: ``true`` and not ``True``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_like(text: str, pattern: str) -> bool:
    """Whether the text is the pattern, in which each ``*`` stands for anything, nothing included."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in middle:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


def _either(words: Iterable[str]) -> str:
    found = list(words)
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"
