"""The incidents that charts mark, for who may look at them."""

from django.http import HttpRequest
from django.urls import reverse

from dashboards.charts import Lasted
from dashboards.pages.ongoing import may_look
from dashboards.reports.incidents import incidents_within
from dashboards.reports.question import Question


def incidents_shown(request: HttpRequest, question: Question) -> list[Lasted]:
    """Those that hurt somebody within the window, earliest first. A query; none for who may not look."""
    if not may_look(request):
        return []
    return [
        Lasted(
            one.started_at,
            one.ended_at,
            f"Incident #{one.id}",
            one.title,
            reverse("admin:alerts_incident_change", args=[one.id]),
        )
        for one in incidents_within(question)
    ]
