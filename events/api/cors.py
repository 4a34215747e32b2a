"""Cross-origin answers for browser keys. Which origins may send is decided by the key; errors are readable by any page."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

_ALLOW_HEADERS = "authorization, content-type, content-encoding, x-ingest-key, x-requested-with, baggage, sentry-trace"


class CorsView(APIView):
    """Adds the headers to every answer, also to 4xx ones: without them a page learns nothing of why it was refused."""

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """The preflight: browsers send it without the key, so it promises nothing about origins."""
        return Response(
            status=204,
            headers={
                "Access-Control-Allow-Methods": "POST, OPTIONS",
                "Access-Control-Allow-Headers": _ALLOW_HEADERS,
                "Access-Control-Max-Age": "3600",
            },
        )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = "retry-after, ratelimit, ratelimit-policy"
        return super().finalize_response(request, response, *args, **kwargs)
