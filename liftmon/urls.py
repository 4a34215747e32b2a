"""Every address of the application; each app brings its own list."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from events.api.v1.view import UnknownAddress
from liftmon import health
from liftmon.metrics import metrics

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("favicon.ico", RedirectView.as_view(url=static("dashboards/favicon.svg")), name="favicon"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    path("api/", include("events.api.urls")),
    path("api/v1/", include("events.api.v1.urls")),
    path("api/v1/", include("alerts.api.urls")),
    path("api/v1/", include("dashboards.api.urls")),
    re_path("^api/v1/", UnknownAddress.as_view()),  # behind every other address of /api/v1/
    path("", include("alerts.urls")),
    path("digests/", include("dashboards.digests.urls")),
    path("api/schema/", SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[]), name="schema"),
    path("admin/", admin.site.urls),
]
