"""Addresses of digests that work without the admin; included in the project's list under /digests/."""

from django.urls import path

from dashboards.digests import views

urlpatterns = [
    path("read/<str:token>/", views.digest, name="digest_public"),
    path("confirm/<str:token>/", views.confirm, name="digest_confirm"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="digest_unsubscribe"),
]
