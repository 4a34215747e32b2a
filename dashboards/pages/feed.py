"""The live feed: failures as they arrive, at most two seconds late."""

from datetime import datetime
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from dashboards.pages.report_page import has_heard_anything
from events.arrivals import MOST, arrivals
from events.choices import SeverityChoices
from events.event_search import EventFilter, EventPage, find_events
from events.models import Event, Service
from events.patience import SearchTooSlowError

_SEVERITIES = [
    ("failures", "Failures"),
    ("errors", "Errors and critical"),
    ("any", "Everything"),
    *SeverityChoices.choices,
]


class _FeedView(UnfoldSiteViewMixin, TemplateView):
    permission_required: ClassVar[tuple[str, ...]] = ("dashboards.view_analytics", "events.view_event")
    title = "Live feed"

    @property
    def wanted(self) -> EventFilter:
        """Failures unless the address says otherwise."""
        query = self.request.GET.dict()
        severity = query.get("severity", "failures")
        words = {"window": "24h", "severity": "" if severity == "any" else severity}
        return EventFilter.from_query(
            {**words, **{word: query.get(word, "") for word in ("service", "environment", "name")}},
            dict(self.request.GET.lists()),
        )


def all_events(wanted: EventFilter) -> str:
    """The list of the same events."""
    return reverse("admin:events_event_changelist") + wanted.query_string()


class FeedPage(_FeedView):
    """The newest fifty to begin with; the page then asks for what arrives (feed.js)."""

    template_name = "admin/analytics/feed.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        wanted, now = self.wanted, timezone.now()
        is_too_slow = False
        try:
            page = find_events(wanted, now=now)
        except SearchTooSlowError:
            page, is_too_slow = EventPage([], older=None, newer=None), True
        changed = wanted.query_string(severity=wanted.severity or "any")
        return super().get_context_data(
            events=page.events[:MOST],
            is_too_slow=is_too_slow,
            wanted=wanted,
            severity=wanted.severity or "any",
            severities=_SEVERITIES,
            services=Service.objects.order_by("name", "pk").values_list("pk", "name")[:200],
            arrivals=reverse("admin:analytics_feed_arrivals") + changed,
            since=now.isoformat(),
            all_events=all_events(wanted),
            most=MOST,
            has_heard=bool(page.events) or has_heard_anything(),
            **kwargs,
        )


class ArrivalsFragment(_FeedView):
    """The rows that arrived since the time of the address, the time to ask with next, and whether there were more."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        now = timezone.now()
        try:
            since = datetime.fromisoformat(request.GET.get("since", ""))
        except ValueError:
            raise Http404("Since when? The address names no time.") from None
        if since.tzinfo is None:
            raise Http404("The time lacks its offset.")
        wanted = self.wanted
        found = arrivals(wanted, since=since, now=now)
        context = {
            "events": found.events,
            "is_cut": found.is_cut,
            "was_away": found.was_away,
            "since": now.isoformat(),
            "most": MOST,
            "all_events": all_events(wanted),
        }
        return TemplateResponse(request, "admin/analytics/_arrivals.html", context)


class EventPanel(_FeedView):
    """One event beside the feed."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        events = Event.objects.by_id(kwargs["event_id"]).select_related("service", "fingerprint__issue")
        event = events.first()
        if event is None:
            raise Http404("There is no event of that id, or it is past its retention.")
        issue = event.fingerprint.issue if event.fingerprint else None
        may_see_issue = request.user.has_perm("events.view_issue")
        return TemplateResponse(
            request, "admin/analytics/_event_panel.html", {"event": event, "issue": issue if may_see_issue else None}
        )
