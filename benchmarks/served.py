"""What the benchmark's web processes serve: Liftmon as it is, and beside it an empty DRF view on the same server.

The empty view is the ceiling that single events are compared with: an APIView that answers {"ok": true} through the project's own
middleware, as any new view of this project would be served, on the event loop like ingest (no thread in between).
"""

import io
from typing import Any

from liftmon.rsgi import application as liftmon_application  # sets Django up, which the imports below need
from liftmon.rsgi import environ_of

# isort: split
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

import liftmon.urls


class EmptyView(APIView):
    permission_classes: list[Any] = []

    def post(self, request: Request) -> Response:
        return Response({"ok": True})


liftmon.urls.urlpatterns.append(path("benchmark/empty", EmptyView.as_view()))


class Application:
    """Liftmon's, with one more way in."""

    __rsgi_init__ = liftmon_application.__rsgi_init__

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        if scope.path != "/benchmark/empty":
            await liftmon_application.__rsgi__(scope, protocol)
            return
        environ = environ_of(scope)
        body, _ = await liftmon_application.bodies.read(protocol, environ.get("CONTENT_LENGTH"), 1_000_000)
        environ["wsgi.input"] = io.BytesIO(body)
        protocol.response_bytes(*liftmon_application.handle(environ))


application = Application()
