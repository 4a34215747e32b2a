"""Who asks: the person of an API token, or whoever is signed in to the admin in this browser."""

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from events.api.problems import Problem
from events.models import ApiToken

_CHALLENGE = 'Bearer realm="Liftmon"'
_HOW = "Send “Authorization: Bearer TOKEN” with a token from Set up → API tokens."


class BearerToken(authentication.BaseAuthentication):
    """`Authorization: Bearer lmt_…`. Raises Problem 401 for a token that opens nothing."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = timezone.now()
        token = ApiToken.find(text.strip())
        if token is None:
            raise _refused("unknown_token", f"This is no API token of this Liftmon; ingest keys only send. {_HOW}")
        if token.revoked_at is not None:
            raise _refused("revoked_token", "This token was revoked. Make a new one under Set up → API tokens.")
        if token.has_expired(at=now):
            raise _refused("expired_token", "This token has expired. Make a new one under Set up → API tokens.")
        if not token.user.is_active:
            raise _refused(
                "inactive_user", "The person of this token is not active any more. Use somebody else's token."
            )
        token.note_use(at=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return _CHALLENGE


class BrowserSession(authentication.SessionAuthentication):
    """The session of the admin; what changes something needs the CSRF token as well."""

    def enforce_csrf(self, request: Any) -> None:
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            how = "Send the value of the csrftoken cookie as X-CSRFToken, or use an API token."
            raise Problem(403, "csrf_failed", f"{error.detail} {how}") from None


def not_signed_in() -> Problem:
    problem = Problem(401, "not_signed_in", f"Nobody is signed in. {_HOW}", title="Not signed in")
    problem.headers["WWW-Authenticate"] = _CHALLENGE
    return problem


def _refused(code: str, detail: str) -> Problem:
    problem = Problem(401, code, detail, title="Token refused")
    problem.headers["WWW-Authenticate"] = f'{_CHALLENGE}, error="invalid_token"'
    return problem


class BearerTokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description of the API names it."""

    target_class = BearerToken
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API token (Set up → API tokens), `lmt_…`."}


class BrowserSessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the description of the API names it."""

    target_class = BrowserSession
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        about = "Signed in to the admin. What changes something also needs the header X-CSRFToken."
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": about}
