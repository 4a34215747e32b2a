"""The catalogue: what each event name means, how soon somebody must look, and what the review must answer."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.views import ChangeList

from events.models import EventType
from events.rollups import events_per_name

_RECENT = timedelta(days=7)


class EventTypeChangeList(ChangeList):
    """Gives the rows of the page their counts, all in one query over the rollups."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        entries = list(self.result_list)
        counts = events_per_name([entry.name for entry in entries], start=timezone.now() - _RECENT)
        for entry in entries:
            entry.recent_count = counts.get(entry.name, 0)
        self.result_list = entries


@admin.register(EventType)
class EventTypeAdmin(ModelAdmin):
    list_display = ("meaning", "tier", "default_severity", "kind", "recent", "question", "origin")
    list_filter = ("tier", "default_severity", "kind", "is_from_guide")
    search_fields = ("name", "description", "question")
    show_full_result_count = False
    ordering = ("tier", "name")
    list_per_page = 50
    actions = None
    fields = ("name", "description", "tier", "default_severity", "kind", "labels", "question")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return EventTypeChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[EventType]:
        return EventType.objects.all()

    @display(description="Name", ordering="name")
    def meaning(self, entry: EventType) -> SafeString | str:
        if not entry.description:
            return entry.name
        return format_html('{}<div class="lm-entry-meaning">{}</div>', entry.name, entry.description)

    @display(description="Events in 7 days")
    def recent(self, entry: Any) -> SafeString | str:
        if not entry.recent_count:
            return "0"
        query = urlencode({"name": entry.name, "window": "7d"})
        return format_html(
            '<a href="{}?{}">{}</a>', reverse("admin:events_event_changelist"), query, f"{entry.recent_count:,}"
        )

    @display(description="Origin", ordering="is_from_guide")
    def origin(self, entry: EventType) -> str:
        return "guide" if entry.is_from_guide else "first seen in an event"

    def get_readonly_fields(self, request: HttpRequest, obj: EventType | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()  # a name is what events say; another name is another entry

    def has_delete_permission(self, request: HttpRequest, obj: EventType | None = None) -> bool:
        if obj is not None and obj.is_from_guide:
            return False
        return bool(super().has_delete_permission(request, obj))
