"""Errors of our own endpoints: RFC 9457 problem documents, each saying what to fix."""

from typing import Any

import structlog
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

logger = structlog.get_logger(__name__)

_TITLES = {
    400: "Bad request",
    401: "A key is missing",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Not as things stand",
    413: "Too large",
    415: "Encoding not supported",
    429: "Too many requests",
    503: "Temporarily unavailable",
}


class Problem(exceptions.APIException):
    """Any refusal: an HTTP status, a stable machine-readable code, a sentence that names the fix."""

    def __init__(
        self, status_code: int, code: str, detail: str, *, title: str = "", is_counted: bool = False, **extensions: Any
    ) -> None:
        super().__init__(detail, code)
        self.status_code = status_code
        self.code = code
        self.title = title
        self.extensions = extensions
        self.headers: dict[str, str] = {}
        # Already in IngestRejection, event by event.
        self.is_counted = is_counted


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raises into application/problem+json; anything unforeseen goes on to Django's 500."""
    response = drf_exception_handler(error, context)
    if response is None:
        return None
    code = error.code if isinstance(error, Problem) else getattr(error, "default_code", "error")
    detail = error.detail if isinstance(error, exceptions.APIException) else response.data.get("detail", "")
    if response.status_code == status.HTTP_405_METHOD_NOT_ALLOWED:
        allowed = [method for method in context["view"].allowed_methods if method not in ("HEAD", "OPTIONS")]
        detail = f"{detail} Send a {' or '.join(allowed)}."
    body = {
        "type": f"urn:liftmon:problem:{code}",
        "title": getattr(error, "title", "") or _TITLES.get(response.status_code, "Error"),
        "status": response.status_code,
        "code": code,
        "detail": str(detail),
        **(error.extensions if isinstance(error, Problem) else {}),
    }
    headers = {name: value for name, value in response.headers.items() if name.lower() != "content-type"}
    headers |= error.headers if isinstance(error, Problem) else {}
    return Response(body, status=response.status_code, headers=headers, content_type="application/problem+json")
