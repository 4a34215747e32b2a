"""Routes below /api/. Each with and without the trailing slash: a redirect would lose the body of a POST."""

from django.urls import re_path

from events.api.views import TrackView

app_name = "events-api"
urlpatterns = [
    re_path(r"^analytics/track/?\Z", TrackView.as_view(), name="track"),
]
