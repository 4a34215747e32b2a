"""Cleaning events before anything is stored, queued or logged. Pure: values in, values out.

What the guide forbids (passwords, keys, card numbers, personal data, large raw bodies) is removed or masked wherever it is
nested; users are kept as keyed hashes. Every change is marked with its path and rule, so that staff can tell senders.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from events.ingest.scrub.keys import rule_of_key
from events.ingest.scrub.rules import FILTERED, RULES
from events.ingest.scrub.text import TextScrubber, is_card_number
from events.ingest.types import ExceptionValue, IncomingEvent, Mark

__all__ = ["FILTERED", "RULES", "Scrubber", "rule_of_key"]

# A raw body up to this many characters is kept (scrubbed): a short answer such as "rate limited" explains a failure.
MAX_BODY = 1_024
_MAX_JSON_TEXT = 65_536
_MOST_MARKS = 200
_SMALLEST_CARD = 10**11
_SHORTEST_SECRET = 4
_MOST_ADDRESSES = 20
_BETWEEN_ADDRESSES = re.compile(r"[,;\s]+")
_FIELDS = frozenset("email e-mail username name login user phone address password_confirmation passwordconfirm".split())
# Names that were seen to be one clean word and to tell nothing about their values; forgotten when there are too many.
_PLAIN_KEYS: set[str] = set()
_NO_KEYS: frozenset[str] = frozenset()
_MAX_PLAIN_KEYS = 4_096


@dataclass(frozen=True)
class Scrubber:
    """Scrubs with one set of keys. ``user_hash_keys`` are newest first: the first one hashes."""

    user_hash_keys: Sequence[str]
    _text: TextScrubber = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.user_hash_keys:
            raise ValueError("A scrubber needs at least one key to hash users with.")
        object.__setattr__(self, "_text", TextScrubber(hash_user=self.hash_user, hash_ip=self._hash_ip))

    def hash_user(self, identity: str, *, key_index: int = 0) -> str:
        """32 hex characters that stand for a person: HMAC-SHA256 under the key at ``key_index``."""
        return _keyed_hash(self.user_hash_keys[key_index], "user", identity)[:32]

    def hashes_of_user(self, identity: str) -> list[str]:
        """Everything that may stand for the person: one hash a key, those of earlier keys too."""
        return [self.hash_user(identity, key_index=index) for index in range(len(self.user_hash_keys))]

    def _hash_ip(self, address: str) -> str:
        return _keyed_hash(self.user_hash_keys[0], "ip", address)[:8]

    def scrub_text(self, text: str) -> str:
        """One text without secrets and personal data: for samples and logs."""
        return self._text.scrub(text)[0]

    def scrub_value(self, value: Any) -> Any:
        """Any JSON value, cleaned by its keys and texts."""
        return _Walk(self, self._text, []).clean(value, "")

    def scrub(self, event: IncomingEvent) -> IncomingEvent:
        """Clean the event in place and return it; what was cleaned is in ``event.scrubbed``."""
        walk = _Walk(self, self._text, event.scrubbed)
        event.name = walk.text(event.name, "event")[:200]
        if event.message:
            event.message = walk.text(event.message, "message")
        if event.message_template:
            event.message_template = walk.text(event.message_template, "message_template")
        event.endpoint = walk.text(event.endpoint, "endpoint")[:500]
        event.environment = walk.text(event.environment, "environment")[:64]
        event.release = walk.text(event.release, "release")[:200]
        event.session_id = walk.text(event.session_id, "session_id")[:128]
        event.fingerprint = [walk.text(part, f"fingerprint.{place}") for place, part in enumerate(event.fingerprint)]
        if event.tags:
            event.tags = {key: str(value) for key, value in walk.clean(event.tags, "tags").items()}
        event.breadcrumbs = [walk.clean(crumb, f"breadcrumbs.{place}") for place, crumb in enumerate(event.breadcrumbs)]
        event.exception = [
            _clean_exception(walk, value, f"exception.{place}") for place, value in enumerate(event.exception)
        ]
        event.data = walk.clean(event.data, "data")
        if event.user_identity:
            event.user_hash = self.hash_user(event.user_identity)
            event.user_identity = ""
            for mark in event.scrubbed:
                if mark["rule"] == "user_id_hashed":
                    break
            else:
                event.scrubbed.append({"path": "user_id", "rule": "user_id_hashed"})
        return event


@lru_cache(maxsize=8192)
def _keyed_hash(key: str, purpose: str, text: str) -> str:
    return hmac.digest(key.encode(), f"{purpose}:{text}".encode("utf-8", "replace"), hashlib.sha256).hex()


def _clean_exception(walk: "_Walk", value: ExceptionValue, path: str) -> ExceptionValue:
    """The type and value as text (replace-only: people must still read them), the frames as any other data."""
    cleaned: ExceptionValue = walk.clean(value, path)
    return cleaned


class _Walk:
    """One pass over one event; collects marks."""

    def __init__(self, scrubber: Scrubber, text: TextScrubber, marks: list[Mark]) -> None:
        self.scrubber = scrubber
        self.scrub_text = text.scrub
        self.network_of = text.network_of
        self.known_clean = text.known_clean
        self.marks = marks

    def mark(self, path: str, rule: str) -> None:
        if len(self.marks) < _MOST_MARKS:
            self.marks.append({"path": path, "rule": rule})

    def text(self, text: str, path: str) -> str:
        if text in self.known_clean or len(text) < _SHORTEST_SECRET:
            return text
        cleaned, rules = self.scrub_text(text)
        for rule in rules:
            self.mark(path, rule)
        return cleaned

    def clean(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return self._text_or_json(value, path)
        if isinstance(value, dict):
            return self._object(value, path)
        if isinstance(value, list | tuple):
            return self._array(value, path)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._number(value, path)
        return value

    def under_key(self, key: str, value: Any, path: str) -> Any:
        """The value of a field of that name."""
        rule = rule_of_key(key)
        if rule is None or value is None or isinstance(value, bool) or value in ("", FILTERED, [], {}):
            return self.clean(value, path)
        if rule == "body_removed":
            return self._body(value, path)
        if rule == "ip_address":
            return self._addresses(value, path)
        if rule == "user_id_hashed":
            return self._user_id(value, path)
        if not _applies(rule, value):
            return self.clean(value, path)
        self.mark(path, rule)
        return FILTERED

    def _object(self, value: dict[str, Any], path: str) -> dict[str, Any]:
        told = self._told_name(value) if "value" in value else ""
        cleaned: dict[str, Any] = {}
        is_user = path.endswith(".user") or path == "user"
        plain_keys = _NO_KEYS if is_user or told else _PLAIN_KEYS
        known_clean = self.known_clean
        for key, child in value.items():
            # Nearly every field is such a one, and needs neither a path nor a closer look.
            if key in plain_keys:
                kind = type(child)
                if (
                    (kind is str and (child in known_clean or len(child) < _SHORTEST_SECRET))
                    or (kind is int and child < _SMALLEST_CARD)
                    or child is None
                    or kind is bool
                    or kind is float
                ):
                    cleaned[key] = child
                    continue
            self._field(key, child, path, cleaned, told=told, is_user=is_user)
        return cleaned

    def _told_name(self, value: dict[str, Any]) -> str:
        """The telling name in ``{"name": "Authorization", "value": …}``, or nothing."""
        name = value.get("name", value.get("key"))
        if isinstance(name, str) and rule_of_key(cleaned_name := self.scrub_text(name)[0]):
            return cleaned_name
        return ""

    def _field(self, key: str, child: Any, path: str, cleaned: dict[str, Any], *, told: str, is_user: bool) -> None:
        """Put one field into ``cleaned``, under a clean name."""
        child_path = f"{path}.{key}" if path else key
        clean_key = key
        if key.isidentifier():
            if key not in _PLAIN_KEYS and rule_of_key(key) is None:
                _remember_plain(key)
        else:
            clean_key = self.text(key, path or "data")
        if clean_key != key:
            clean_key = _free_name(clean_key, cleaned)
            child_path = f"{path}.{clean_key}" if path else clean_key
            if rule_of_key(clean_key):
                key = clean_key  # what is left of the name is what the next reader judges by
        if is_user and key == "id":
            cleaned[clean_key] = self._user_id(child, child_path)
        else:
            cleaned[clean_key] = self.under_key(told if told and key == "value" else key, child, child_path)

    def _array(self, value: Sequence[Any], path: str) -> list[Any]:
        if len(value) == 2 and isinstance(value[0], str):  # ["Authorization", "Bearer …"]
            name = self._text_or_json(value[0], f"{path}.0")
            is_pair = _is_pair(name, value[1])
            second = self.under_key(name, value[1], f"{path}.1") if is_pair else self.clean(value[1], f"{path}.1")
            return [name, second]
        return [self.clean(child, f"{path}.{place}") for place, child in enumerate(value)]

    def _text_or_json(self, text: str, path: str) -> str:
        """JSON inside a text is cleaned as JSON: its keys say more than its characters."""
        if text[:1] in ("{", "[") and text.rstrip()[-1:] in ("}", "]") and len(text) <= _MAX_JSON_TEXT:
            try:
                inner = orjson.loads(text)
                before = len(self.marks)
                cleaned = self.clean(inner, path)
            except (ValueError, RecursionError):
                return self.text(text, path)
            return text if len(self.marks) == before else orjson.dumps(cleaned).decode()
        return self.text(text, path)

    def _number(self, value: float, path: str) -> Any:
        if isinstance(value, int) and _SMALLEST_CARD <= value < 10**19 and is_card_number(str(value)):
            self.mark(path, "card_number")
            return "[card]"
        return value

    def _body(self, value: Any, path: str) -> Any:
        """A raw body: cleaned when short, else removed and its size told."""
        size = len(value) if isinstance(value, str) else len(_dumps(value))
        if size <= MAX_BODY:
            return self.clean(value, path)
        self.mark(path, "body_removed")
        return f"[body removed: {size:,} characters]"

    def _addresses(self, value: Any, path: str) -> Any:
        """One address, a list of them (X-Forwarded-For, Forwarded) or an array."""
        if isinstance(value, list):
            return [self._addresses(item, f"{path}.{place}") for place, item in enumerate(value)]
        if not isinstance(value, str):
            return self.clean(value, path)
        parts = [part for part in _BETWEEN_ADDRESSES.split(value, maxsplit=_MOST_ADDRESSES) if part]
        networks = [self.network_of(part) for part in parts[:_MOST_ADDRESSES]]
        if not any(networks):
            return self.clean(value, path)
        self.mark(path, "ip_address")
        return ", ".join(network or FILTERED for network in networks)

    def _user_id(self, value: Any, path: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            return self.clean(value, path)
        self.mark(path, "user_id_hashed")
        return self.scrubber.hash_user(str(value).strip())


def _remember_plain(key: str) -> None:
    if len(key) <= 64:
        if len(_PLAIN_KEYS) >= _MAX_PLAIN_KEYS:
            _PLAIN_KEYS.clear()
        _PLAIN_KEYS.add(key)


def _free_name(name: str, taken: dict[str, Any]) -> str:
    """``[email]``, ``[email] 2``, …: two persons that were names of one object stay two."""
    free, number = name, len(taken)
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def _is_pair(name: str, value: Any) -> bool:
    """Whether two items are a telling name and its value, and not two names of fields: ``["password", "email"]``."""
    return bool(rule_of_key(name)) and not (isinstance(value, str) and value.lower() in _FIELDS)


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, orjson.JSONEncodeError):
        return repr(value).encode("utf-8", "replace")


def _applies(rule: str, value: Any) -> bool:
    """Whether a value under a telling key is the thing itself: ``tokens: 512`` is a count, ``mobile: "ios"`` a platform."""
    if rule == "token":
        return not isinstance(value, int | float) or value >= 100_000
    if rule == "phone":
        return isinstance(value, dict | list) or sum(char.isdigit() for char in str(value)) >= 4
    if rule in ("address", "one_time_code", "person_name", "birth_date"):
        return not isinstance(value, float)
    return True
