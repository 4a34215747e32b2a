"""What every address of `/api/v1/` has in common: who may ask, and how it refuses."""

from typing import Any, ClassVar, cast

import structlog
from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from events.api.negotiation import AlwaysJson
from events.api.problems import Problem
from events.api.v1.authentication import BearerToken, BrowserSession, not_signed_in
from events.models import ApiToken, TokenScope
from events.patience import SearchTooSlowError

logger = structlog.get_logger(__name__)


class ApiView(APIView):
    """Refuses whoever lacks one of the rights; a subclass reads the request, makes one call, answers."""

    authentication_classes = [BearerToken, BrowserSession]
    content_negotiation_class = AlwaysJson
    parser_classes: list[Any] = []  # bodies are read by `StrictBody`, with a limit
    metadata_class = None
    http_method_names = ["get", "head"]
    # Permissions as “app.codename”: to read, and those that changing something needs beside them.
    reading_rights: ClassVar[tuple[str, ...]]
    changing_rights: ClassVar[tuple[str, ...]] = ()
    # Instead of those that changing needs.
    deleting_rights: ClassVar[tuple[str, ...]] = ()
    # Of the token that may change it.
    changing_scope: ClassVar[TokenScope] = TokenScope.WRITE

    @property
    def person(self) -> User:
        """Who asks; `check_permissions` lets nobody else in."""
        return cast("User", self.request.user)

    def check_permissions(self, request: Request) -> None:
        """Raises Problem: 401 (nobody), 403 (not staff, a right is missing, a token that only reads)."""
        if request.user is None:
            raise not_signed_in()
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        is_change = request.method not in SAFE_METHODS
        if is_change and isinstance(request.auth, ApiToken) and not request.auth.may_change(self.changing_scope):
            raise Problem(
                403,
                "insufficient_scope",
                f"This token may not change that. Make one for “{self.changing_scope.label}” under Set up → API tokens.",
            )
        if not self.person.is_staff:
            raise Problem(403, "not_staff", "Only staff may ask. A superuser can make you one under Set up → Users.")
        to_change = self.deleting_rights if request.method == "DELETE" else self.changing_rights
        needed = self.reading_rights + (to_change if is_change else ())
        if missing := [right for right in needed if not self.person.has_perm(right)]:
            raise Problem(
                403,
                "permission_missing",
                f"You lack the permission {', '.join(missing)}. A superuser can grant it under Set up → Users.",
            )

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, SearchTooSlowError):
            exc = Problem(
                400, "search_too_slow", "This search takes too long. Choose a shorter time, or add a name or a service."
            )
        elif isinstance(exc, OperationalError | InterfaceError):
            logger.error("database_unavailable", kind=type(exc).__name__, reason=str(exc).strip())
            exc = Problem(503, "database_unavailable", "The database does not answer. Ask again in a moment.")
            exc.headers["Retry-After"] = "5"
        elif isinstance(exc, SuspiciousOperation):
            exc = Problem(400, "bad_request", f"The request cannot be read: {exc}")
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response["Cache-Control"] = "no-store"
        return super().finalize_response(request, response, *args, **kwargs)


class UnknownAddress(APIView):
    """Whatever else is asked for below `/api/v1/`: a 404 that a program can read."""

    authentication_classes = []
    permission_classes = []
    content_negotiation_class = AlwaysJson
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise Problem(404, "unknown_address", "There is nothing at this address. /api/schema/ lists all that there is.")
