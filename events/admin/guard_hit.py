"""Which limits a service reached, and what was folded for it. Nobody changes these rows."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import truncatechars
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from events.models import Guard, GuardHit
from events.templatetags.moments import moment

# What became of the excess, and the variable that moves the limit.
_FOLDED = {
    Guard.NAMES: ("The rest is counted as “other”.", "LIFTMON_MAX_NAMES"),
    Guard.ENDPOINTS: ("The rest is counted as “other”.", "LIFTMON_MAX_ENDPOINTS"),
    Guard.ENVIRONMENTS: ("The rest is counted as “other”.", "LIFTMON_MAX_ENVIRONMENTS"),
    Guard.RELEASES: ("The rest is counted as “other”; its words stay in the event's data.", "LIFTMON_MAX_RELEASES"),
    Guard.LABELS: ("The rest is counted as “other”; its words stay in the event's data.", "LIFTMON_MAX_LABEL_VALUES"),
    Guard.TAG_KEYS: ("The rest is no tag any more; it stays in the event's data.", "LIFTMON_MAX_TAG_KEYS"),
    Guard.TAGS: ("The rest is counted as “other”; its words stay in the event's data.", "LIFTMON_MAX_TAG_VALUES"),
    Guard.NEW_ISSUES: ("The rest is gathered in one burst issue of the service.", "LIFTMON_NEW_ISSUES_PER_HOUR"),
}


def limit_of(guard: Guard) -> int:
    """How many a service may bring: different values, or new issues an hour."""
    if guard == Guard.NEW_ISSUES:
        return settings.INGEST_NEW_ISSUES_PER_HOUR
    return settings.INGEST_CARDINALITY[guard.value]


@admin.register(GuardHit)
class GuardHitAdmin(ModelAdmin):
    list_display = ("guard", "service", "times", "latest", "limit", "last", "day")
    list_filter = ("service", "guard", "day")
    search_fields = ("sample",)
    date_hierarchy = "day"
    ordering = ("-last_at", "-pk")
    show_full_result_count = False
    actions = None
    fields = ("guard", "service", "day", "event_count", "sample", "limit", "folded", "first_at", "last_at")
    readonly_fields = fields
    change_list_template = "admin/events/guard_hit_list.html"

    class Media:
        css = {"all": ("events/events.css",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[GuardHit]:
        return GuardHit.objects.select_related("service")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        guards = [
            {"label": guard.label, "limit": limit_of(guard), "folded": folded, "variable": variable}
            for guard, (folded, variable) in _FOLDED.items()
        ]
        return super().changelist_view(request, {"title": "Limits reached", "guards": guards, **(extra_context or {})})

    @display(description="Events", ordering="event_count")
    def times(self, hit: GuardHit) -> str:
        return f"{hit.event_count:,}"

    @display(description="Latest value")
    def latest(self, hit: GuardHit) -> SafeString:
        return format_html('<span class="lm-wrap">{}</span>', truncatechars(hit.sample, 80))

    @display(description="Limit")
    def limit(self, hit: GuardHit) -> str:
        return f"{limit_of(Guard(hit.guard)):,} ({_FOLDED[Guard(hit.guard)][1]})"

    @display(description="What became of it")
    def folded(self, hit: GuardHit) -> str:
        return _FOLDED[Guard(hit.guard)][0]

    @display(description="Last", ordering="last_at")
    def last(self, hit: GuardHit) -> SafeString | str:
        return moment(hit.last_at)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: GuardHit | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: GuardHit | None = None) -> bool:
        return False
