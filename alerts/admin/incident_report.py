"""The list of incident reports, with search over all that they say; one report is `alerts.admin.incident_report_page`."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from alerts.admin import incident_report_page as page
from alerts.conditions import spoken
from alerts.incidents.report.publishing import FIELDS
from alerts.models import IncidentReport, IncidentSeverity, ReportState
from events.models import Service
from events.templatetags.moments import moment

_TONES = {ReportState.DRAFT: "info", ReportState.IN_REVIEW: "warning", ReportState.PUBLISHED: "success"}


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.value, str(one.label)) for one in ReportState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[IncidentReport]) -> QuerySet[IncidentReport]:
        return queryset.filter(state=self.value()) if self.value() in ReportState.values else queryset


class SeverityFilter(admin.SimpleListFilter):
    title = "severity"
    parameter_name = "severity"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(one.value), one.name) for one in IncidentSeverity]

    def queryset(self, request: HttpRequest, queryset: QuerySet[IncidentReport]) -> QuerySet[IncidentReport]:
        known = dict(self.lookup_choices)
        return queryset.filter(incident__severity=int(str(self.value()))) if self.value() in known else queryset


class ServiceFilter(admin.SimpleListFilter):
    title = "service"
    parameter_name = "service"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Service.objects.order_by("name").values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[IncidentReport]) -> QuerySet[IncidentReport]:
        known = dict(self.lookup_choices)
        return queryset.filter(incident__service=int(str(self.value()))) if self.value() in known else queryset


@admin.register(IncidentReport)
class IncidentReportAdmin(ModelAdmin):
    list_display = ("what", "state_badge", "severity", "began", "users", "resolved_after", "edited")
    list_display_links = ("what",)
    list_filter = (StateFilter, SeverityFilter, ServiceFilter, "incident__started_at")
    list_per_page = 25
    list_max_show_all = 0
    list_fullwidth = True
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("title",)
    search_help_text = "Search everything that reports say, or #12 for an incident"
    ordering = ("-incident__started_at", "-pk")
    actions = None
    change_list_template = "admin/alerts/report/list.html"

    class Media:
        css = {"all": ("events/issue.css", "alerts/alerts.css", "alerts/incident.css")}

    # --- Who may do what -----------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # an incident that is resolved makes its own

    def has_change_permission(self, request: HttpRequest, obj: IncidentReport | None = None) -> bool:
        return False  # edited on the page of the report

    def has_delete_permission(self, request: HttpRequest, obj: IncidentReport | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: IncidentReport | None = None) -> bool:
        return page.may_read_any(request) if obj is None else page.may_read(request, obj)

    # --- The list ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[IncidentReport]:
        found = IncidentReport.objects.select_related("incident__service", "edited_by")
        found = found.defer(*(name for name in FIELDS if name != "title"), "suspects")
        return found if page.may_read_drafts(request) else found.filter(state=ReportState.PUBLISHED)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[IncidentReport], search_term: str
    ) -> tuple[QuerySet[IncidentReport], bool]:
        term = search_term.replace("\x00", "").strip()
        if not term:
            return queryset, False
        if term.startswith("#") and term[1:].isdecimal() and len(term) < 20:
            return queryset.filter(incident=int(term[1:])), False
        said = SearchVector(*FIELDS, config="english")
        asked = SearchQuery(term, search_type="websearch", config="english")
        # Names such as db_pool_error are looked for as they are written, too.
        as_written = Q(pk__in=[])
        for name in FIELDS:
            as_written |= Q(**{f"{name}__icontains": term})
        return queryset.alias(said=said).filter(Q(said=asked) | as_written), False

    def get_urls(self) -> list[URLPattern]:
        def url(place: str, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
            return path(
                f"<int:report_id>/{place}/", self.admin_site.admin_view(view), name=f"alerts_incidentreport_{name}"
            )

        own = [url("act", "act", page.act_view), url("export/<slug:ending>", "export", page.export_view)]
        return [*own, *super().get_urls()]

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return page.report_view(request, object_id, model_admin=self)

    @display(description="Report", ordering="title")
    def what(self, report: IncidentReport) -> SafeString:
        service = f" · {report.incident.service.name}" if report.incident.service else ""
        return format_html(
            '<span class="lm-issue-title">{}</span><span class="lm-issue-origin">Incident #{}{}</span>',
            report.title, report.incident_id, service,
        )  # fmt: skip

    @display(description="State", label=_TONES, ordering="state")
    def state_badge(self, report: IncidentReport) -> tuple[str, str]:
        is_reviewed = report.state == ReportState.IN_REVIEW and report.reviewed_at is not None
        return report.state, "Reviewed" if is_reviewed else str(report.get_state_display())

    @display(description="Severity", ordering="incident__severity")
    def severity(self, report: IncidentReport) -> str:
        return IncidentSeverity(report.incident.severity).name

    @display(description="Began", ordering="incident__started_at")
    def began(self, report: IncidentReport) -> SafeString | str:
        return moment(report.incident.started_at)

    @display(description="Users hurt")
    def users(self, report: IncidentReport) -> str:
        count = report.metrics.get("users")
        return "not counted" if count is None else f"{count:,}"

    @display(description="Resolved after")
    def resolved_after(self, report: IncidentReport) -> str:
        seconds = report.metrics.get("mttr_seconds")
        return "not yet" if seconds is None else spoken(seconds)

    @display(description="Edited", ordering="edited_at")
    def edited(self, report: IncidentReport) -> SafeString | str:
        if report.edited_at is None:
            return "by nobody yet"
        return format_html(
            'by <bdi>{}</bdi> <span class="lm-issue-origin">{}</span>', report.edited_by, moment(report.edited_at)
        )
