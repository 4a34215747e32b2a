"""What an answer looks like, for the API's description: made from its type, so that it always has its shape. Pure."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

# By the name of the field; all others by their type.
_TEXTS = {
    "endpoint": "/api/career",
    "release": "lift@5.16.0",
    "newest": "lift@5.16.0",
    "previous": "lift@5.15.0",
    "first_release": "lift@5.15.0",
    "severity": "error",
    "name": "api_timeout",
    "feature": "career",
    "provider": "openai",
    "user": "5f1d7a84db00d2fce00b31a7fc73224f",
    "trial_type": "7_day",
    "channel": "formspree",
    "prefix": "jobs:search",
    "ttl": "300",
    "record": "beta_tester",
}
_BY_TYPE: dict[Any, Any] = {
    bool: False,
    int: 31,
    float: 0.25,
    str: "",
    datetime: "2026-03-29T22:00:00Z",
    date: "2026-03-29",
}


def example_of(kind: Any, name: str = "") -> Any:
    """A value of that type as JSON has it: a list holds one, and what may be None is there."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return {field.name: example_of(hints[field.name], field.name) for field in fields(kind)}
    if get_origin(kind) is list:
        return [example_of(get_args(kind)[0], name)]
    if get_origin(kind) in (Union, UnionType):
        return example_of(next(one for one in get_args(kind) if one is not type(None)), name)
    return _TEXTS.get(name, "") if kind is str else _BY_TYPE[kind]
