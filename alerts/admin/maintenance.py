"""Windows of maintenance: while people work on a service, nobody is told of its alerts."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from alerts.admin.muting_admin import MutingAdmin
from alerts.admin.silence_form import MaintenanceForm
from alerts.admin.span_filter import SpanFilter
from alerts.models import MaintenanceWindow


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(MutingAdmin):
    form_class = MaintenanceForm
    previewed = ("service",)
    list_display = ("what", "state", "announced", "ends", "begins", "by", "end")
    list_filter = (SpanFilter,)
    search_fields = ("name",)
    search_help_text = "Search names"
    nothing = (
        "No maintenance is planned",
        "Before people work on a service, say from when until when: its alerts are judged all the same, but nobody is told.",
        "Plan a window",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("service")

    @display(description="Status page")
    def announced(self, window: MaintenanceWindow) -> SafeString | str:
        if not window.is_announced:
            return "not announced"
        return format_html('<a href="{}">announced</a>', reverse("admin:maintenance_status", args=[window.pk]))

    @display(description="Maintenance")
    def what(self, window: MaintenanceWindow) -> SafeString:
        of = window.service.name if window.service else "Everything"
        return format_html(
            '<span class="lm-issue-title">{}</span><span class="lm-issue-culprit"><bdi>{}</bdi></span>', window.name, of
        )
