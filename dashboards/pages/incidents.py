"""Incident times: how fast incidents are noticed and over, by severity and service."""

from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from alerts.models import IncidentSeverity, IncidentState
from dashboards.asking import instant
from dashboards.pages.report_page import ReportPage
from dashboards.pages.words import counted
from dashboards.reports.incident_times import IncidentLine, IncidentTimes
from dashboards.templatetags.numbers import took
from events import formats

_MOST_ROWS = 100


class IncidentTimesPage(ReportPage):
    title = "Incident times"
    template_name = "admin/analytics/incidents.html"
    report_name = "incident-times"
    default_window = "30d"
    permission_required = ("dashboards.view_analytics", "alerts.view_incident")

    def told(self, answer: IncidentTimes) -> dict[str, Any]:
        return {
            "headline": headline(answer),
            "severities": [
                (IncidentSeverity(one.severity).name, one.times, *self._links(severity=one.severity))
                for one in answer.by_severity
            ],
            "services": [
                (
                    self.service_name(one.service_id) if one.service_id is not None else "several services", one.times,
                    *self._links(service=one.service_id or 0),
                )
                for one in answer.by_service
            ],
            "states": [(IncidentState(one.state).label, one) for one in answer.total.states],
            "lines": [self._line(one) for one in answer.incidents[:_MOST_ROWS]],
            "more": max(0, len(answer.incidents) - _MOST_ROWS),
            "list": reverse("admin:alerts_incident_changelist"),
        }  # fmt: skip

    def _line(self, one: IncidentLine) -> tuple[IncidentLine, str, str, str]:
        service = self.service_name(one.service_id) if one.service_id is not None else "several services"
        page = reverse("admin:alerts_incident_change", args=[one.id])
        return one, page, service, IncidentState(one.state).label

    def _links(self, **filters: Any) -> tuple[str, str, str]:
        """The incidents behind numbers of the window: all of them, those that were acknowledged, and those that were resolved."""
        asked, window = self.question.filters, self.question.window
        words = {"opened": f"{instant(window.start)}/{instant(window.end)}", **filters}
        if asked.environments:
            words["environment"] = list(asked.environments)
        if asked.services:
            words.setdefault("service", ",".join(str(one) for one in (*asked.services, 0)))
        address = f"{reverse('admin:alerts_incident_changelist')}?{urlencode(words, doseq=True)}"
        return address, f"{address}&acknowledged=yes", f"{address}&resolved=yes"


def headline(answer: IncidentTimes) -> str:
    """How many, and how fast."""
    total = answer.total
    if not total.incidents:
        return ""
    said = f"{counted(total.incidents, 'incident')}, {formats.number(answer.before.incidents)} in the window before."
    is_over = total.resolved == total.incidents
    said += _in_words(total.acknowledged, total.incidents, "acknowledged", total.median_tta_seconds, is_over=is_over)
    said += _in_words(total.resolved, total.incidents, "resolved", total.median_ttr_seconds, is_over=is_over)
    return said


def _in_words(count: int, total: int, done: str, median: float | None, *, is_over: bool) -> str:
    if median is None:
        return f" None was {done}{'' if is_over else ' yet'}."
    of = "All" if count == total else f"{formats.number(count)} of {formats.number(total)}"
    return f" {of} {'was' if total == 1 else 'were'} {done}, half of them within {took(median * 1000)}."
