"""Labels: the few fields of an event's data by which its kind is counted, such as the feature or the AI provider. Pure.

Which fields those are is said by the catalogue (`EventType.labels`), one word each: the name of a field of ``data`` (or of a tag),
with ``:prefix`` behind it for keys whose last part is an identity (``cache_performance``'s ``jobs:search:17`` counts as
``jobs:search``), ``:class`` for status codes (503 counts as ``5xx``) and ``:first`` for lists, written with commas or not (of the
addresses of X-Forwarded-For, the client's). `EVERYWHERE` is looked for in every event, `BY_ENDING` in
those whose name ends so.

Labels are read after scrubbing: an address is by then its network and a keyed hash (events.ingest.scrub).
"""

from collections.abc import Mapping, Sequence
from typing import Any

# A failure or a request that tells of a feature or a provider counts for it, whatever the event's name is.
EVERYWHERE = ("feature", "ai_provider")
# Whatever a service limits or locks (login_rate_limited, admin_lockout), it is counted by address as the guide's own events are.
BY_ENDING = {"rate_limited": ("ip:first",), "lockout": ("ip:first",)}
# Labels that stand for a person, however keyed: forgetting takes them away (events.forgetting).
PERSONAL = ("ip",)
MOST_LABELS = 8
_MAX_VALUE = 100
_SEPARATORS = ":/|"


def fields_of(name: str, fields: Sequence[str] = ()) -> tuple[str, ...]:
    """What events of that name are counted by besides `EVERYWHERE`; ``fields`` are those of the catalogue."""
    added = [field for ending, more in BY_ENDING.items() if name.endswith(ending) for field in more]
    named = {field.partition(":")[0] for field in fields} if added else ()
    return (*fields, *(field for field in added if field.partition(":")[0] not in named))


def labels_of(data: Mapping[str, Any], tags: Mapping[str, str], fields: Sequence[str] = ()) -> dict[str, str]:
    """The labels that the event has; a field that is missing, or that is no plain value, is left out."""
    labels: dict[str, str] = {}
    for field in (*EVERYWHERE, *fields):
        name, _, how = field.partition(":")
        value = data.get(name)
        if value is None and (value := tags.get(name)) is None:
            continue
        text = _read(value, how)
        if text:
            labels[name] = text
    return labels


def _read(value: Any, how: str) -> str:
    if how == "first" and type(value) is list and value:
        value = value[0]
    if type(value) is str:
        text = value.strip()
    elif type(value) is bool:
        text = "true" if value else "false"
    elif type(value) is int or (type(value) is float and value == int(value)):
        text = str(int(value))
    else:
        return ""
    if how == "prefix":
        text = _prefix(text)
    elif how == "first":
        text = text.partition(",")[0].rstrip()
    elif how == "class" and len(text) == 3 and text.isdecimal():
        text = f"{text[0]}xx"
    return text[:_MAX_VALUE]


def _prefix(key: str) -> str:
    """All but the last part; of a key without parts, the key."""
    at = max(key.rfind(separator) for separator in _SEPARATORS)
    return key[:at] if at > 0 else key
