"""Routes below /api/. Each with and without the trailing slash: a redirect would lose the body of a POST."""

from collections.abc import Callable
from typing import Any

from django.urls import re_path

from events.api.views import TrackView

app_name = "events-api"
_track = TrackView.as_view()
urlpatterns = [
    re_path(r"^analytics/track/?\Z", _track, name="track"),
]

_INGEST = {"/api/analytics/track": _track, "/api/analytics/track/": _track}


def ingest_view(path: str) -> Callable[..., Any] | None:
    """The view of an ingest path, for a server that calls it without Django's middleware: sessions, CSRF, people's time zones
    and security headers of pages mean nothing to a client that posts events.
    """
    return _INGEST.get(path)
