"""What was refused at the door, and why. Nobody changes these rows."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import truncatechars
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from events.models import IngestRejection
from events.templatetags.moments import moment


@admin.register(IngestRejection)
class IngestRejectionAdmin(ModelAdmin):
    list_display = ("code", "service_name", "times", "what_to_do", "last", "day")
    list_filter = ("service", "code", "day")
    search_fields = ("code", "detail")
    date_hierarchy = "day"
    ordering = ("-last_at", "-pk")
    show_full_result_count = False
    actions = None
    fields = ("code", "service", "day", "rejection_count", "detail", "sample", "first_at", "last_at")
    readonly_fields = fields
    change_list_template = "admin/events/rejection_list.html"

    class Media:
        css = {"all": ("events/events.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[IngestRejection]:
        return IngestRejection.objects.select_related("service")

    @display(description="Service", ordering="service__name")
    def service_name(self, rejection: IngestRejection) -> str:
        return rejection.service.name if rejection.service else "no valid key"

    @display(description="Times", ordering="rejection_count")
    def times(self, rejection: IngestRejection) -> str:
        return f"{rejection.rejection_count:,}"

    @display(description="What was wrong")
    def what_to_do(self, rejection: IngestRejection) -> str:
        return truncatechars(rejection.detail, 140)

    @display(description="Last", ordering="last_at")
    def last(self, rejection: IngestRejection) -> SafeString | str:
        return moment(rejection.last_at)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: IngestRejection | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: IngestRejection | None = None) -> bool:
        return False
