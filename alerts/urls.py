"""Addresses that work without the admin; included in the project's list."""

from django.urls import path

from alerts.acting import views
from alerts.on_call import calendar_feed

urlpatterns = [
    path("alerts/act/<str:token>/", views.act, name="alert_act"),
    path("alerts/on-call/<str:token>.ics", calendar_feed.on_call, name="on_call_calendar"),
    path("alerts/slack/interactivity/", views.slack_pressed, name="slack_interactivity"),
]
