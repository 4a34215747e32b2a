"""Addresses that work without the admin; included in the project's list."""

from django.urls import path
from django.views.generic import RedirectView

from alerts.acting import views
from alerts.on_call import calendar_feed
from alerts.statuspage import subscription_views
from alerts.statuspage import views as status

urlpatterns = [
    path("alerts/act/<str:token>/", views.act, name="alert_act"),
    path("alerts/on-call/<str:token>.ics", calendar_feed.on_call, name="on_call_calendar"),
    path("alerts/slack/interactivity/", views.slack_pressed, name="slack_interactivity"),
    path("status", RedirectView.as_view(pattern_name="status_page")),
    path("status/", status.front, name="status_page"),
    path("status/history/<str:year_month>/", status.month, name="status_month"),
    path("status/incident/<int:number>/", status.incident, name="status_incident"),
    path("status/maintenance/<int:number>/", status.maintenance, name="status_maintenance"),
    path("status/feed.atom", status.atom, name="status_atom"),
    path("status/status.json", status.json, name="status_json"),
    path("status/subscribe/", subscription_views.subscribe, name="status_subscribe"),
    path("status/confirm/<str:token>/", subscription_views.confirm, name="status_confirm"),
    path("status/subscription/<str:token>/", subscription_views.subscription, name="status_subscription"),
    path("status/unsubscribe/<str:token>/", subscription_views.unsubscribe, name="status_unsubscribe"),
]
