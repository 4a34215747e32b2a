"""Routes: which alerts go to which channels, in the order in which they are tried."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from alerts.admin.fields import LabelsField
from alerts.models import Channel, Route
from alerts.outbox.reach import critical_unreached, reached_by
from alerts.rules.sentences import RouteTold, route_sentence
from events.choices import SeverityChoices
from events.models import Service

# Of alerts: no rule makes one of severity debug.
_SEVERITIES = [choice for choice in SeverityChoices.choices if choice[0] != SeverityChoices.DEBUG]


class RouteForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    severities = forms.MultipleChoiceField(
        choices=_SEVERITIES, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Of the alerts. None chosen: all.",
    )  # fmt: skip
    labels = LabelsField(
        required=False, help_text="Every one must hold; * stands for anything. None: any alert, whatever its labels."
    )
    channels = forms.ModelMultipleChoiceField(
        # A person's contacts are told by policies, whose steps name the person.
        queryset=Channel.objects.filter(contact_point__isnull=True).order_by("name", "pk"), required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(), help_text="What it takes is sent to each of them.",
    )  # fmt: skip

    class Meta:
        model = Route
        fields = ("name", "position", "is_enabled", "severities", "service", "labels", "channels", "policy", "goes_on")

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if "channels" in self.fields and not Channel.objects.filter(contact_point__isnull=True).exists():
            self.fields["channels"].help_text = format_html(
                'There is no channel yet: <a href="{}">add one</a>.', reverse("admin:alerts_channel_add")
            )


class TryForm(forms.Form):
    """An alert that did not fire, to see where it would go."""

    severity = forms.ChoiceField(choices=_SEVERITIES)
    service = forms.ModelChoiceField(
        queryset=Service.objects.order_by("name", "pk"), required=False, empty_label="any or none"
    )
    label = forms.CharField(required=False, max_length=100)
    value = forms.CharField(required=False, max_length=300)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="id_try_%s")
        for field in self.fields.values():
            field.widget.attrs["class"] = "lm-input"
        self.fields["label"].widget.attrs["placeholder"] = "endpoint"
        self.fields["value"].widget.attrs["placeholder"] = "/api/pay"


@admin.register(Route)
class RouteAdmin(ModelAdmin):
    form = RouteForm
    list_display = ("position", "what", "state")
    list_display_links = None
    list_filter = ("is_enabled", "channels")
    show_full_result_count = False
    list_per_page = 100
    actions = None
    change_form_template = "admin/alerts/route/page.html"
    change_list_template = "admin/alerts/route/list.html"

    class Media:
        css = {"all": ("events/events.css", "alerts/forms.css")}
        js = ("alerts/forms.js",)

    # --- The list ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Route]:
        channels = Prefetch("channels", Channel.objects.order_by("name", "pk"))
        return Route.objects.select_related("service", "policy").prefetch_related(channels)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("position", "pk")

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return ()  # the order is the one in which they are tried

    @display(description="Route")
    def what(self, route: Route) -> SafeString:
        return format_html(
            '<a class="lm-rule-name" href="{}">{}</a><div class="lm-rule-sentence">{}</div>',
            reverse("admin:alerts_route_change", args=[route.pk]),
            route.name,
            route_sentence(told_of(route)),
        )

    @display(description="State")
    def state(self, route: Route) -> str:
        return "on" if route.is_enabled else "off: it is not tried"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        more = {"unreached": critical_unreached(), **_tried(TryForm())}
        return super().changelist_view(request, {**(extra_context or {}), **more})

    # --- Trying it out -------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        preview = self.admin_site.admin_view(self.preview_view)
        return [path("preview/", preview, name="alerts_route_preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The fragment that says which route would take an alert; a page of its own without scripts."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = _tried(TryForm(request.GET))
        if request.headers.get("HX-Request") == "true":
            return TemplateResponse(request, "admin/alerts/route/_taken.html", context)
        page = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Which route takes it?"}
        return TemplateResponse(request, "admin/alerts/route/preview.html", {**page, "media": self.media, **context})


def told_of(route: Route) -> RouteTold:
    return RouteTold(
        tuple(route.severities),
        route.service.name if route.service else "",
        {name: str(value) for name, value in route.labels.items()},
        tuple(channel.name for channel in route.channels.all() if channel.is_enabled),
        route.goes_on,
        route.policy.name if route.policy else "",
    )


def _tried(form: TryForm) -> dict[str, Any]:
    """``taken`` is None until something was asked."""
    if not form.is_bound or not form.is_valid():
        return {"try_form": form, "taken": None}
    asked = form.cleaned_data
    labels = {asked["label"]: asked["value"]} if asked["label"] else {}
    service = asked["service"]
    taken = reached_by(severity=asked["severity"], labels=labels, service_id=service.pk if service else None)
    return {"try_form": form, "taken": taken}
