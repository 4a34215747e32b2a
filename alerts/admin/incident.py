"""The list of incidents; the page of one incident is `alerts.admin.incident_page`, what people do to it `incident_acting`."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, QuerySet, SmallIntegerField, Value, When
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from alerts.admin import incident_acting as acts
from alerts.admin import incident_filters, incident_opening, incident_page
from alerts.conditions import spoken
from alerts.incidents.impact import impact_of
from alerts.models import ONGOING, AlertRule, Incident
from alerts.models.on_call import name_of
from events.templatetags.moments import moment

_FIRST = Case(When(state__in=ONGOING, then=Value(0)), default=Value(1), output_field=SmallIntegerField())
_MOST_COUNTED = 25


@admin.register(Incident)
class IncidentAdmin(ModelAdmin):
    list_display = ("badges", "what", "since", "acknowledged_after", "resolved_after", "commanded_by", "users_hurt")
    list_display_links = ("what",)
    list_filter = (
        incident_filters.StateFilter,
        incident_filters.SeverityFilter,
        incident_filters.ServiceFilter,
        incident_filters.EnvironmentFilter,
        incident_filters.OpenedFilter,
        incident_filters.AcknowledgedFilter,
        incident_filters.ResolvedFilter,
    )
    list_fullwidth = True
    list_per_page = 25
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("title", "entries__text")
    search_help_text = "Search title and timeline"
    actions = None
    change_list_template = "admin/alerts/incident/list.html"

    class Media:
        css = {"all": ("events/issue.css", "alerts/alerts.css", "alerts/incident.css", "alerts/incident_page.css")}

    # --- Who may do what -----------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # opened on a page of its own, from an alert or from an issue

    def has_view_permission(self, request: HttpRequest, obj: Incident | None = None) -> bool:
        return acts.may_look(request)

    def has_change_permission(self, request: HttpRequest, obj: Incident | None = None) -> bool:
        return False  # what people do to it are acts, each told in the timeline

    def has_delete_permission(self, request: HttpRequest, obj: Incident | None = None) -> bool:
        return False

    # --- The list ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return Incident.objects.select_related("service", "commander").annotate(shown_first=_FIRST)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("shown_first", "-opened_at")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if (data := getattr(response, "context_data", None)) and (changelist := data.get("cl")):
            state = next(spec for spec in changelist.filter_specs if isinstance(spec, incident_filters.StateFilter))
            data["state_tabs"] = list(state.choices(changelist))
            data["is_narrowed"] = bool(changelist.query) or changelist.has_active_filters
            data["may_act"] = acts.may_act(request)
            shown = urlencode([("incident", one.pk) for one in changelist.result_list])
            data["users_address"] = shown and f"{reverse('admin:alerts_incident_counted')}?{shown}"
            if not changelist.result_list and not data["is_narrowed"]:
                data["opened_by_rules"] = AlertRule.objects.filter(opens_incident=True, is_enabled=True).count()
        return response

    @display(description="State")
    def badges(self, incident: Incident) -> SafeString:
        return mark_safe(render_to_string("alerts/_incident_badges.html", {"incident": incident}))  # noqa: S308

    @display(description="Incident")
    def what(self, incident: Incident) -> SafeString:
        where = ", ".join(one for one in (incident.service and incident.service.name, incident.environment) if one)
        return format_html(
            '<span class="lm-issue-title">{}</span><span class="lm-issue-origin">#{}{}<bdi>{}</bdi></span>',
            incident.title, incident.pk, " · " if where else "", where,
        )  # fmt: skip

    @display(description="Opened")
    def since(self, incident: Incident) -> SafeString:
        if incident.is_ongoing:
            return format_html("{}", moment(incident.opened_at))
        end = incident.resolved_at or incident.closed_at or timezone.now()
        lasted = spoken((end - incident.opened_at).total_seconds())
        return format_html(
            '{}<span class="lm-issue-origin">lasted {}</span>', moment(incident.opened_at), lasted
        )  # fmt: skip

    @display(description="Acknowledged after")
    def acknowledged_after(self, incident: Incident) -> str:
        untold = "By nobody yet" if incident.is_ongoing else "By nobody"
        return incident_page.after(incident, incident.acknowledged_at) or untold

    @display(description="Resolved after")
    def resolved_after(self, incident: Incident) -> str:
        return incident_page.after(incident, incident.resolved_at) or "Not yet"

    @display(description="Commander")
    def commanded_by(self, incident: Incident) -> str:
        return name_of(incident.commander) if incident.commander else "Nobody"

    @display(description="Users hurt")
    def users_hurt(self, incident: Incident) -> SafeString:
        # Counted behind the page (counted_view): the list need not wait for it.
        address = reverse("admin:alerts_incident_users", args=[incident.pk])
        return format_html('<a id="lm-hurt-{}" href="{}">count</a>', incident.pk, address)

    def counted_view(self, request: HttpRequest) -> HttpResponse:
        """Whom the incidents of a list hurt: a fragment of numbers, each with the id of its place in the list."""
        if not acts.may_look(request):
            raise PermissionDenied
        asked = [number for one in request.GET.getlist("incident") if (number := incident_filters.number_of(one))]
        incidents = Incident.objects.filter(pk__in=asked[:_MOST_COUNTED]).prefetch_related("alerts__rule")
        now = timezone.now()
        counted = [(one.pk, impact_of(one, list(one.alerts.all()), now=now).users_count) for one in incidents]
        return TemplateResponse(request, "admin/alerts/incident/_counted.html", {"counted": counted})

    # --- The page of one incident --------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        views: list[tuple[str, str, Callable[..., HttpResponse]]] = [
            ("open/", "open", incident_opening.open_view),
            ("open/alert/<int:alert_id>/", "open_alert", incident_opening.from_alert_view),
            ("open/issue/<int:issue_id>/", "open_issue", incident_opening.from_issue_view),
            ("<int:incident_id>/live/", "live", incident_page.live_view),
            ("<int:incident_id>/timeline/", "timeline", incident_page.timeline_view),
            ("<int:incident_id>/users/", "users", incident_page.users_view),
            ("<int:incident_id>/note/<int:entry_id>/", "edit_note", incident_page.edit_note_view),
            ("<int:incident_id>/move/<slug:move>/", "move", acts.move_view),
            ("<int:incident_id>/command/", "command", acts.command_view),
            ("<int:incident_id>/role/<slug:role>/", "role", acts.role_view),
            ("<int:incident_id>/severity/", "severity", acts.severity_view),
            ("<int:incident_id>/describe/", "describe", acts.describe_view),
            ("<int:incident_id>/note/", "note", acts.note_view),
            ("<int:incident_id>/alert/", "add_alert", acts.add_alert_view),
            ("<int:incident_id>/alert/<int:alert_id>/remove/", "remove_alert", acts.remove_alert_view),
            ("<int:incident_id>/alert/<int:alert_id>/apart/", "move_out", acts.move_out_view),
            ("<int:incident_id>/issue/", "add_issue", acts.add_issue_view),
            ("<int:incident_id>/issue/<int:issue_id>/remove/", "remove_issue", acts.remove_issue_view),
        ]
        own = [
            path(route, self.admin_site.admin_view(view), {"model_admin": self}, name=f"alerts_incident_{name}")
            for route, name, view in views
        ]
        counted = path("counted/", self.admin_site.admin_view(self.counted_view), name="alerts_incident_counted")
        return [counted, *own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return incident_page.incident_view(request, object_id, model_admin=self)
