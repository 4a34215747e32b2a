"""What the rule of an alert counted, against its threshold: a fragment of the alert's page, and a page of its own."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from alerts.judging.alert_course import Course, course_of
from alerts.models import Alert, AlertState
from alerts.outbox import wording
from dashboards.charts import Dataset, chart_of_steps
from dashboards.pages.firing import may_look
from dashboards.pages.words import counted
from dashboards.templatetags.charts import said
from dashboards.window import Span


class AlertChart(UnfoldSiteViewMixin, TemplateView):
    title = "What the rule counts"
    permission_required = ()
    template_name = "admin/alerts/alert/chart.html"

    def has_permission(self) -> bool:
        return may_look(self.request)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        alert = Alert.objects.select_related("rule").filter(pk=kwargs["alert_id"]).first()
        if alert is None:
            raise Http404("There is no alert of that number.")
        course = course_of(alert, now=timezone.now())
        context = {"alert": alert, "heading": wording.title_of(alert), "chart": course and chart_of(alert, course)}
        if request.headers.get("HX-Request"):
            return TemplateResponse(request, "admin/alerts/alert/_chart.html", context)
        return self.render_to_response(self.get_context_data(**context))


def chart_of(alert: Alert, course: Course) -> dict[str, Any]:
    tone = alert.severity if alert.severity != "debug" else "info"
    datasets = [Dataset(course.noun.capitalize(), tone, course.values)]
    if course.threshold is not None:
        limit = [course.threshold] * len(course.steps)
        datasets.append(Dataset(f"Threshold: {said(course.threshold, course.unit)}", "neutral", limit, is_dashed=True))
    happened = [(alert.started_at, "holds")] if alert.started_at != alert.fired_at else []
    happened += [(alert.fired_at, "fired")] if alert.fired_at else []
    happened += [(alert.resolved_at, "resolved")] if alert.resolved_at else []
    steps = [Span(start, end) for start, end in course.steps]
    return chart_of_steps(
        "lm-alert-course",
        _caption(alert, course),
        steps,
        timezone.get_current_timezone(),
        datasets,
        # A count of the step itself is a bar; what slides is a line.
        kind="bar" if course.is_counted_by_step else "line",
        y_label=course.noun.partition(" in ")[0].partition(" over ")[0],
        unit=course.unit,
        marks=[(at, label) for at, label in happened if steps[0].start <= at],
        marks_say="when the condition began to hold, the alert fired and was resolved",
    )


def _caption(alert: Alert, course: Course) -> str:
    known = [value for value in course.values if value is not None]
    if not known:
        return f"{course.noun.capitalize()}: too little to judge by all the time"
    if course.is_counted_by_step and course.threshold is None:
        return f"{course.noun.capitalize()}: {counted(round(sum(known)), 'event')} in all"
    last = "in the end" if alert.state == AlertState.RESOLVED else "now"
    current = course.values[-1]
    words = f"{course.noun.capitalize()}: at most {said(max(known), course.unit)}, {last} "
    words += "0" if current == 0 else said(current, course.unit)
    return words + (f"; threshold {said(course.threshold, course.unit)}" if course.threshold is not None else "")
