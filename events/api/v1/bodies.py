"""Bodies of requests that change something: small JSON objects, read strictly."""

from typing import Any

import orjson
from rest_framework import serializers
from rest_framework.request import Request

from events.api.body import read_body
from events.api.problems import Problem
from events.api.v1.parameters import checked

_MOST_BYTES = 64 * 1024


class StrictBody(serializers.Serializer[Any]):
    """What can be changed; each field is optional and what is left out stays."""

    @classmethod
    def read(cls, request: Request, *, may_be_left_out: bool = False) -> dict[str, Any]:
        """The fields that were sent, at least one unless nothing need be said. Raises Problem: 400, 413, 415."""
        content = _json_object(request, may_be_left_out=may_be_left_out)
        known = cls().fields
        names = " and ".join(known)
        unknown = [(name[:60], f"This cannot be changed here; {names} can.") for name in content if name not in known]
        wanted = checked(cls(data=content), unknown)
        if not wanted and not may_be_left_out:
            raise Problem(400, "nothing_to_change", f"The object is empty. What can be changed is {names}.")
        return wanted


def _json_object(request: Request, *, may_be_left_out: bool) -> dict[str, Any]:
    """Whatever its Content-Type says."""
    body = read_body(request.META, limit=_MOST_BYTES)
    if may_be_left_out and not body.strip():
        return {}
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "invalid_json", f"The body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise Problem(400, "not_an_object", "The body must be a JSON object.")
    return content
