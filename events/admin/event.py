"""Events: a list that stays fast at any size, and the page of one event. Nobody changes an event."""

import json
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from unfold.admin import ModelAdmin

from events.choices import SeverityChoices
from events.event_search import CUSTOM, WINDOWS, EventFilter, EventPage, find_events, neighbours
from events.event_total import total_of
from events.models import Event, EventType, Issue, Service
from events.patience import SearchTooSlowError


@admin.register(Event)
class EventAdmin(ModelAdmin):
    """Both pages are our own: the admin's list counts its rows, which this table is too large for."""

    actions = None

    class Media:
        css = {"all": ("events/events.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        wanted, now = EventFilter.from_query(request.GET.dict(), dict(request.GET.lists())), timezone.now()
        is_too_slow = False
        try:
            page = find_events(wanted, now=now)
        except SearchTooSlowError:
            page, is_too_slow = EventPage([], older=None, newer=None), True
        looked_at = wanted.search(now)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Events",
            "media": self.media,
            "wanted": wanted,
            "page": page,
            "is_too_slow": is_too_slow,
            "total": total_of(wanted, page, now=now) if page.events else None,
            # A window of the address that could not be read is told, not replaced in silence.
            "is_window_unread": request.GET.get("window") == CUSTOM and not wanted.is_custom,
            "kept": [
                (word, value)
                for word, found in wanted.query().items()
                if word not in ("window", "from", "to")
                for value in ([found] if isinstance(found, str) else found)
            ],
            "start_local": f"{timezone.localtime(looked_at.start):%Y-%m-%dT%H:%M}",
            "end_local": f"{timezone.localtime(min(looked_at.end, now) if not wanted.is_custom else looked_at.end):%Y-%m-%dT%H:%M}",
            "windows": [
                {
                    "label": label,
                    "link": wanted.query_string(window=key, start=None, end=None),
                    "is_current": key == wanted.window,
                }
                for key, (label, _) in WINDOWS.items()
            ],
            "older": page.older and wanted.query_string(older_than=page.older),
            "newer": page.newer and wanted.query_string(newer_than=page.newer),
            "issue": Issue.objects.filter(pk=wanted.issue).first() if wanted.issue else None,
            "severities": [("failures", "Failures"), ("errors", "Errors and critical"), *SeverityChoices.choices],
            "services": list(Service.objects.order_by("name").values_list("pk", "name")[:200]),
            "names": list(EventType.objects.order_by("name").values_list("name", flat=True)[:500]),
        }
        return TemplateResponse(request, "admin/events/event/list.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        event = _event_or_404(object_id)
        older, newer = neighbours(event)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": event.name,
            "media": self.media,
            "event": event,
            "issue": event.fingerprint.issue if event.fingerprint else None,
            "older": older,
            "newer": newer,
            "data_text": json.dumps(event.data, indent=2, ensure_ascii=False, sort_keys=True),
            "entry": EventType.objects.filter(name=event.name).first(),
        }
        return TemplateResponse(request, "admin/events/event/page.html", context)


def _event_or_404(object_id: str) -> Event:
    try:
        event_id = UUID(object_id)
    except ValueError:
        raise Http404("That is not the id of an event.") from None
    event = Event.objects.by_id(event_id).select_related("service", "fingerprint__issue").first()
    if event is None:
        raise Http404("There is no event of that id, or it is past its retention.")
    return event
