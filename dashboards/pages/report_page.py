"""What every analytics page is: one report, the window control, exports. Pages of one report each are beside this one."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import slugify
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from dashboards.asking import read_question_mildly, words_of
from dashboards.charts import Lasted
from dashboards.pages.controls import Controls, controls_of
from dashboards.pages.incidents_shown import incidents_shown
from dashboards.reports.catalogue import REPORTS
from dashboards.reports.exporting import as_csv, as_json
from dashboards.reports.question import Question
from dashboards.window import DEFAULT
from events.models import Service


class AnalyticsPage(UnfoldSiteViewMixin, TemplateView):
    """A page that looks through a window. Subclasses say ``title``, ``template_name`` and what `shown` gives the template."""

    permission_required: ClassVar[str | tuple[str, ...]] = "dashboards.view_analytics"
    title: ClassVar[str]
    # The window of an address that names none: a name of dashboards.window.PRESETS.
    default_window: ClassVar[str] = DEFAULT
    question: Question
    controls: Controls

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        query = words_of(request.GET.lists())
        self.question, problem = read_question_mildly(
            query, now=timezone.now(), zone=timezone.get_current_timezone(), default=self.default_window
        )
        self.controls = controls_of(self.question, problem, self.subjects(), query=query)
        return self.answered(request)

    def answered(self, request: HttpRequest) -> HttpResponse:
        return self.render_to_response(self.get_context_data(controls=self.controls, **self.shown()))

    def subjects(self) -> dict[str, str]:
        """Words of the address besides the window and filters that say what the page is about. May raise Http404."""
        return {}

    @cached_property
    def incidents(self) -> list[Lasted]:
        """What charts of the page mark."""
        return incidents_shown(self.request, self.question)

    def shown(self) -> dict[str, Any]:
        """Values for the template."""
        raise NotImplementedError


class ReportPage(AnalyticsPage):
    """A page of one report of the catalogue; `told` gives the template what it needs besides the ``answer``."""

    report_name: ClassVar[str]

    def answered(self, request: HttpRequest) -> HttpResponse:
        report = REPORTS[self.report_name]
        answer = self.ask()
        wanted = request.GET.get("format")
        if wanted == "json":
            return self._file(as_json(answer), "json", "application/json")
        if wanted == "csv":
            table = as_csv(getattr(answer, report.rows), self.controls.services)
            return self._file(table.encode(), "csv", "text/csv; charset=utf-8")
        context = self.get_context_data(controls=self.controls, report=report, answer=answer, **self.told(answer))
        return self.render_to_response(context)

    def ask(self) -> Any:
        """The answer of the report."""
        return REPORTS[self.report_name].ask(self.question, **self.subjects())

    def told(self, answer: Any) -> dict[str, Any]:
        """Values for the template besides the answer: a headline, charts, links."""
        raise NotImplementedError

    def service_name(self, service_id: int) -> str:
        return self.controls.services.get(service_id, f"service {service_id}")

    def _file(self, content: bytes, ending: str, content_type: str) -> HttpResponse:
        local = self.question.window.end.astimezone(self.question.zone)
        name = f"{slugify(self.report_name)}-{self.question.window.name}-{local:%Y%m%d-%H%M}.{ending}"
        disposition = f'attachment; filename="{name}"'
        return HttpResponse(content, content_type=content_type, headers={"Content-Disposition": disposition})


def has_heard_anything() -> bool:
    """Whether any service ever sent an event: what an empty page says depends on it."""
    return Service.objects.filter(first_event_at__isnull=False).exists()
