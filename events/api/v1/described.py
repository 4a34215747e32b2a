"""Parts of the API's description (OpenAPI) that many addresses share."""

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from events.api.serializers import ProblemSerializer

# Whoever asks may meet these anywhere.
_ANYWHERE = (401, 403, 503)
_WHY = {
    400: "Something in the request is not as it must be; `errors` names each field.",
    401: "Nobody is signed in, or the token opens nothing.",
    403: "A permission is missing, or the token may not change that.",
    404: "It is not there.",
    408: "The body did not arrive in time.",
    409: "It cannot be changed as things stand.",
    413: "The body is too large.",
    415: "The body's Content-Encoding is not known.",
    503: "The database does not answer; Retry-After says when to ask again.",
}


def refusals(*codes: int) -> dict[tuple[int, str], Any]:
    """The problem documents that an address answers, besides those that all do."""
    return {
        (code, "application/problem+json"): OpenApiResponse(ProblemSerializer, description=_WHY[code])
        for code in sorted({*codes, *_ANYWHERE})
    }


def id_in_address(name: str, kind: type[int | UUID] = int) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.PATH)


class StrictBodyScheme(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says of a body that it holds one property at least, and none that is not listed."""

    target_class = "events.api.v1.bodies.StrictBody"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        described = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)  # noqa: SLF001 - as documented
        return {**described, "minProperties": 1, "additionalProperties": False}


def body_is_required(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A body that is described must be sent."""
    for path in result["paths"].values():
        for operation in path.values():
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
    return result


def without_optional_slash(
    endpoints: list[tuple[str, str, str, Callable[..., Any]]],
) -> list[tuple[str, str, str, Callable[..., Any]]]:
    """Every address answers with and without a slash at its end; the description names the short one, once."""
    return [(path.rstrip("/"), re.sub(r"/\?", "", regex), method, view) for path, regex, method, view in endpoints]
