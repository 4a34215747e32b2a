"""The inbox of alerts and what can be done to several at once; the page of one alert is `alerts.admin.alert_page`."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Case, DateTimeField, F, QuerySet, SmallIntegerField, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.views import ChangeList

from alerts.acting import handling
from alerts.admin import alert_acting, alert_filters, alert_page, incident_acting
from alerts.conditions import spoken
from alerts.models import Alert, AlertRule, AlertState, Channel, IncidentAlert
from alerts.outbox import wording
from alerts.outbox.told import told_of
from events.choices import SEVERITY_RANK
from events.models import Service
from events.templatetags.moments import moment

_FIRST = Case(
    When(state=AlertState.FIRING, then=Value(0)),
    When(state=AlertState.PENDING, then=Value(1)),
    default=Value(2),
    output_field=SmallIntegerField(),
)
# Among what is open the worst counts first; what is over is read as a history.
_WORST = Case(When(state=AlertState.RESOLVED, then=Value(0)), default=SEVERITY_RANK, output_field=SmallIntegerField())
_LAST = Coalesce(F("resolved_at"), F("started_at"), output_field=DateTimeField())


class AlertChangeList(ChangeList):
    """Gives the rows of the page their services, their incidents and who was told of them, each in one query."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        alerts = list(self.result_list)
        told = told_of(alerts)
        services = dict(Service.objects.values_list("pk", "name")) if alerts else {}
        parts = {one.alert_id: one for one in IncidentAlert.objects.filter(alert__in=alerts)} if alerts else {}
        looks, opens = incident_acting.may_look(request), incident_acting.may_act(request)
        for alert in alerts:
            alert.part = parts.get(alert.pk) if looks else None
            alert.may_open_incident = opens and alert.pk not in parts
            alert.told = told[alert.pk]
            alert.where = wording.where_of(alert, services)
        self.result_list = alerts


@admin.register(Alert)
class AlertAdmin(ModelAdmin):
    list_display = ("severity_badge", "what", "since", "acknowledged", "owner", "acts")
    list_display_links = ("what",)
    list_filter = (
        alert_filters.StateFilter,
        alert_filters.SeverityFilter,
        alert_filters.ServiceFilter,
        alert_filters.RuleFilter,
        alert_filters.AcknowledgedFilter,
        alert_filters.FiredFilter,
        alert_filters.MineFilter,
    )
    list_fullwidth = True
    list_per_page = 25
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("rule__name", "summary")
    search_help_text = "Search rule or summary"
    actions = ("acknowledge_alerts", "silence_alerts", "resolve_alerts")
    change_list_template = "admin/alerts/alert/list.html"

    class Media:
        css = {"all": ("events/issue.css", "alerts/alerts.css")}

    # --- Who may do what -----------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return alert_acting.may_look(request)

    def has_change_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return False  # nobody edits an alert: what people do to it are acts

    def has_delete_permission(self, request: HttpRequest, obj: Alert | None = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        return alert_acting.may_act(request)

    # --- The list ------------------------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AlertChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alert]:
        alerts = Alert.objects.select_related("rule__owner", "acknowledged_by")
        return alerts.annotate(shown_first=_FIRST, worst=_WORST, last_at=_LAST)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("shown_first", "-worst", "-last_at")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if alert_acting.may_act(request) else self.list_display[:-1]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if (data := getattr(response, "context_data", None)) and (changelist := data.get("cl")):
            state = next(spec for spec in changelist.filter_specs if isinstance(spec, alert_filters.StateFilter))
            data["state_tabs"] = list(state.choices(changelist))
            data["is_narrowed"] = bool(changelist.query) or changelist.has_active_filters
            data["here"] = request.get_full_path()
            if not changelist.result_list:
                data["next_steps"] = _next_steps(request)
        return response

    @display(description="Severity")
    def severity_badge(self, alert: Alert) -> SafeString:
        return mark_safe(  # noqa: S308 - of our own templates
            render_to_string("events/_severity.html", {"severity": alert.severity})
            + render_to_string("alerts/_state.html", {"alert": alert})
            + render_to_string("admin/alerts/alert/_part.html", {"part": getattr(alert, "part", None)})
        )

    @display(description="Alert")
    def what(self, alert: Alert) -> SafeString:
        context = {"alert": alert, "title": wording.title_of(alert)}
        return mark_safe(render_to_string("admin/alerts/alert/_what.html", context))  # noqa: S308

    @display(description="Since")
    def since(self, alert: Alert) -> SafeString | str:
        if alert.resolved_at is None:
            return moment(alert.started_at)
        lasted = spoken((alert.resolved_at - alert.started_at).total_seconds())
        return format_html('over {}<span class="lm-issue-origin">lasted {}</span>', moment(alert.resolved_at), lasted)

    @display(description="Acknowledged")
    def acknowledged(self, alert: Alert) -> SafeString | str:
        if alert.acknowledged_at is None:
            return "By nobody"
        by = alert.acknowledged_by or "a link in a message"
        return format_html('By <bdi>{}</bdi><span class="lm-issue-origin">{}</span>', by, moment(alert.acknowledged_at))

    @display(description="Owner")
    def owner(self, alert: Alert) -> str:
        return str(alert.rule.owner) if alert.rule.owner else "Nobody"

    @display(description="Act")
    def acts(self, alert: Alert) -> SafeString | str:
        if alert.state == AlertState.RESOLVED:
            return ""
        context = {"alert": alert, "title": wording.title_of(alert)}
        return mark_safe(render_to_string("admin/alerts/alert/_acts.html", context))  # noqa: S308

    # --- Several at once -----------------------------------------------------------------------------------------

    @action(description="Acknowledge", permissions=["act"])
    def acknowledge_alerts(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._each(request, queryset, handling.acknowledge)

    @action(description="Silence…", permissions=["act"])
    def silence_alerts(self, request: HttpRequest, queryset: QuerySet[Alert]) -> HttpResponse:
        """The next page asks for how long and why."""
        ids = queryset.order_by("pk").values_list("pk", flat=True)[: alert_acting.MAX_SILENCED + 1]
        query = urlencode([*(("alert", str(pk)) for pk in ids), ("next", request.get_full_path())])
        return HttpResponseRedirect(f"{reverse('admin:alerts_alert_silence')}?{query}")

    @action(description="Resolve", permissions=["act"])
    def resolve_alerts(self, request: HttpRequest, queryset: QuerySet[Alert]) -> None:
        self._each(request, queryset, handling.resolve)

    def _each(self, request: HttpRequest, queryset: QuerySet[Alert], change: Callable[..., bool]) -> None:
        by, at = alert_acting.actor(request), timezone.now()
        changed = sum(change(pk, by=by, at=at) for pk in queryset.order_by("pk").values_list("pk", flat=True))
        same = len(request.POST.getlist(ACTION_CHECKBOX_NAME)) - changed
        note = f" {same} needed no change." if same > 0 and request.POST.get("select_across") != "1" else ""
        what = "1 alert changed." if changed == 1 else f"{changed} alerts changed."
        self.message_user(request, what + note, messages.SUCCESS if changed else messages.INFO)

    # --- The page of one alert -----------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        views: list[tuple[str, str, Callable[..., HttpResponse]]] = [
            ("silence/", "silence", alert_acting.silence_view),
            ("<int:alert_id>/acknowledge/", "acknowledge", alert_acting.acknowledge_view),
            ("<int:alert_id>/resolve/", "resolve", alert_acting.resolve_view),
            ("<int:alert_id>/note/", "note", alert_acting.note_view),
        ]
        own = [
            path(route, self.admin_site.admin_view(view), {"model_admin": self}, name=f"alerts_alert_{name}")
            for route, name, view in views
        ]
        return own + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return alert_page.alert_view(request, object_id, model_admin=self)


def _next_steps(request: HttpRequest) -> list[tuple[str, str, str]]:
    """What an empty inbox asks for next, of what this person may do: why, the verb, and where."""
    user, steps = request.user, []
    if user.has_perm("events.view_service") and not Service.objects.filter(first_event_at__isnull=False).exists():
        steps.append(("No event has arrived yet.", "Send an event", reverse("admin:events_service_changelist")))
    for model, right, why, verb in (
        (AlertRule, "alerts.add_alertrule", "No rule is switched on.", "Make a rule"),
        (Channel, "alerts.add_channel", "No channel is switched on, so nobody would be told.", "Add a channel"),
    ):
        may_make = admin.site.is_registered(model) and user.has_perm(right)
        if may_make and not model._default_manager.filter(is_enabled=True).exists():  # noqa: SLF001 - documented
            steps.append((why, verb, reverse(f"admin:{right.replace('.add_', '_')}_add")))
    return steps
