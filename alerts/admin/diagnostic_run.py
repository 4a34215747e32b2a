"""What was looked at, and what was done: the whole list of both. Written by Liftmon alone."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from alerts.models import DiagnosticRun, Finding, Mitigation
from events.templatetags.moments import moment

_TONES = {Finding.FINE: "success", Finding.PROBLEM: "danger", Finding.FAILED: "warning"}


class WrittenByLiftmon(ModelAdmin):
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    show_facets = admin.ShowFacets.NEVER
    actions = None
    ordering = ("-at", "-pk")
    change_list_template = "admin/alerts/diagnostics/list.html"
    empty_title = ""
    empty_text = ""

    class Media:
        css = {"all": ("events/events.css", "alerts/forms.css")}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        empty = {"empty_title": self.empty_title, "empty_text": self.empty_text, "leads_to_diagnostics": True}
        return super().changelist_view(request, {**(extra_context or {}), **empty})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(DiagnosticRun)
class DiagnosticRunAdmin(WrittenByLiftmon):
    list_display = ("what", "finding_badge", "said", "when", "who", "of_incident")
    list_filter = ("finding", "question", "database", "http_check", "at")
    search_fields = ("subject", "interpretation")
    empty_title = "Nothing was asked yet"
    empty_text = "What is asked under Diagnostics, from an incident or without one, stands here with its answer."

    def get_queryset(self, request: HttpRequest) -> QuerySet[DiagnosticRun]:
        return DiagnosticRun.objects.select_related("actor", "incident").defer("answer")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """It is read where it was asked for."""
        return HttpResponseRedirect(f"{reverse('admin:diagnostics')}?run={object_id}")

    @display(description="Question", ordering="subject")
    def what(self, run: DiagnosticRun) -> str:
        return run.subject

    @display(description="Finding", label=_TONES, ordering="finding")
    def finding_badge(self, run: DiagnosticRun) -> tuple[str, str]:
        return run.finding, run.get_finding_display()

    @display(description="In words")
    def said(self, run: DiagnosticRun) -> SafeString:
        return format_html('<div class="lm-rule-sentence">{}</div>', run.interpretation)

    @display(description="When", ordering="at")
    def when(self, run: DiagnosticRun) -> SafeString | str:
        return format_html("{}, {} ms", moment(run.at), f"{run.took_ms:,}")

    @display(description="Who", ordering="actor__username")
    def who(self, run: DiagnosticRun) -> str:
        return str(run.actor or "–")

    @display(description="Incident", ordering="incident")
    def of_incident(self, run: DiagnosticRun) -> SafeString | str:
        return _incident(run)


@admin.register(Mitigation)
class MitigationAdmin(WrittenByLiftmon):
    list_display = ("what", "whom", "result", "when", "who", "of_incident")
    list_filter = ("kind", "is_done", "database", "at")
    fields = ("what", "whom", "query", "result", "when", "who", "of_incident")
    readonly_fields = fields
    empty_title = "Nothing was done yet"
    empty_text = "Queries that were cancelled and connections that were ended under Diagnostics stand here, with what came of it."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mitigation]:
        return Mitigation.objects.select_related("actor", "database", "incident")

    @display(description="What", ordering="kind")
    def what(self, one: Mitigation) -> str:
        return f"{one.get_kind_display()} on {one.database or 'a database that is gone'}"

    @display(description="Whom it met")
    def whom(self, one: Mitigation) -> SafeString:
        return format_html('<div class="lm-rule-sentence">{}</div>', one.target.get("words", f"pid {one.pid}"))

    @display(description="Its query")
    def query(self, one: Mitigation) -> str:
        return str(one.target.get("query") or "–")

    @display(description="What came of it", ordering="is_done")
    def result(self, one: Mitigation) -> str:
        return one.outcome or "Not known: Liftmon was interrupted."

    @display(description="When", ordering="at")
    def when(self, one: Mitigation) -> SafeString | str:
        return moment(one.at)

    @display(description="Who", ordering="actor__username")
    def who(self, one: Mitigation) -> str:
        return str(one.actor or "–")

    @display(description="Incident", ordering="incident")
    def of_incident(self, one: Mitigation) -> SafeString | str:
        return _incident(one)


def _incident(one: DiagnosticRun | Mitigation) -> SafeString | str:
    if one.incident is None:
        return "–"
    address = reverse("admin:incident_diagnostics", args=[one.incident.pk])
    return format_html('<a href="{}">{}</a>', address, one.incident)
