"""Alerts: the inbox and the page of one."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from alerts.models import Alert


@admin.register(Alert)
class AlertAdmin(ModelAdmin):
    list_display = ("summary", "state", "severity", "started_at")
    list_select_related = ("rule",)
