"""Times are shown in the reader's zone: the browser names it in a cookie, this activates it."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE_NAME = "lm_tz"


class ReaderTimeZoneMiddleware:
    """Activate the IANA zone of the ``lm_tz`` cookie for one request; an unknown one falls back to TIME_ZONE."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = request.COOKIES.get(COOKIE_NAME, "")
        if not name:
            return self.get_response(request)
        try:
            zone = zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            return self.get_response(request)
        with timezone.override(zone):
            return self.get_response(request)
