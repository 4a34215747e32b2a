"""Addresses that work without the admin; included in the project's list."""

from django.urls import path

from alerts import views

urlpatterns = [path("alerts/act/<str:token>/", views.act, name="alert_act")]
