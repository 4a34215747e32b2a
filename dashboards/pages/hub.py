"""Analytics at one look: what arrives, which endpoints fail, the top errors and whom they hurt. Each part leads to its page."""

from typing import Any

from django.urls import reverse

from dashboards.pages.endpoints import failures_link
from dashboards.pages.errors import affected_link
from dashboards.pages.errors import headline as errors_headline
from dashboards.pages.links import events_link, page_link
from dashboards.pages.report_page import AnalyticsPage, has_heard_anything
from dashboards.pages.users import first_words
from dashboards.reports.failure_rates import rates_of
from dashboards.reports.top_errors import top_errors
from dashboards.reports.user_impact import people_hurt
from events.event_search import CUSTOM, EventFilter, find_events
from events.models import Event
from events.patience import SearchTooSlowError

_TOP = 6


class HubPage(AnalyticsPage):
    title = "Analytics"
    template_name = "admin/analytics/hub.html"

    def shown(self) -> dict[str, Any]:
        question = self.question
        rates = rates_of(question, is_timed=False)
        errors, impact = top_errors(question, is_charted=False), people_hurt(question)
        failing = [rate for rate in rates if rate.failures][:_TOP]
        latest = self._latest()
        return {
            "feed": reverse("admin:analytics_feed"),
            "may_see_events": self.request.user.has_perm("events.view_event"),
            "latest": latest or [],
            "is_too_slow": latest is None,
            "endpoints": [
                (
                    rate,
                    page_link("analytics_endpoint", question, service=rate.service_id, endpoint=rate.endpoint),
                    failures_link(question, rate),
                    page_link("analytics_users", question, service=rate.service_id, endpoint=rate.endpoint),
                )
                for rate in failing
            ],
            "endpoints_link": page_link("analytics_endpoints", question),
            "errors": [
                (row, events_link(question, name=row.name, severity=row.severity), affected_link(question, row))
                for row in errors.errors[:_TOP]
            ],
            "errors_headline": errors_headline(errors, ""),
            "errors_link": page_link("analytics_errors", question),
            "impact_headline": first_words(impact, {}),
            "severities": [
                (
                    one,
                    page_link("analytics_users", question, severity=one.severity),
                    events_link(question, severity=one.severity),
                )
                for one in impact.severities
            ],
            "users_link": page_link("analytics_users", question),
            "has_heard": bool(rates or errors.errors) or has_heard_anything(),
        }

    def _latest(self) -> list[Event] | None:
        """The newest failures of the window, for those who may see events; None when looking takes too long."""
        if not self.request.user.has_perm("events.view_event"):
            return []
        filters, window = self.question.filters, self.question.window
        wanted = EventFilter(
            window=CUSTOM,
            start=window.start,
            end=window.end,
            severity="failures",
            services=filters.services,
            environments=filters.environments,
            release=filters.release,
        )
        try:
            return find_events(wanted, now=self.question.window.now).events[:_TOP]
        except SearchTooSlowError:
            return None
