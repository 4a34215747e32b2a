"""What the status page lists: components and their groups, and who subscribed to them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from alerts.admin.fields import CommaListField
from alerts.models import Component, ComponentGroup, ComponentImpact, Subscriber
from alerts.statuspage.levels import NAMES, WORDS, Level
from events.templatetags.moments import moment

_TONES = {
    "operational": "success", "maintenance": "info", "degraded": "warning", "partial_outage": "warning",
    "major_outage": "danger",
}  # fmt: skip


class ComponentForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    endpoints = CommaListField(
        longest=300,
        help_text="Only incidents about these endpoints; * stands for anything. Empty: all of the service. Separate with commas.",
    )

    class Meta:
        model = Component
        fields = ("name", "description", "group", "position", "is_public", "service", "endpoints")


class _WithEmptyState(ModelAdmin):
    """An empty list says what it is for."""

    change_list_template = "admin/alerts/component/list.html"
    show_full_result_count = False
    list_per_page = 100
    # Headline, words, and what the button says; "" for none.
    nothing: tuple[str, str, str]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        headline, words, verb = self.nothing
        more = {"nothing": headline, "nothing_words": words, "add_verb": verb}
        more["add_address"] = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_add") if verb else ""
        return super().changelist_view(request, {**(extra_context or {}), **more})


@admin.register(Component)
class ComponentAdmin(_WithEmptyState):
    form = ComponentForm
    list_display = ("name", "level", "group", "made_of", "subscribed", "position", "is_public")
    list_filter = ("group", "is_public", "service")
    search_fields = ("name", "description")
    actions = None
    nothing = (
        "The status page lists no component yet",
        "A component is a part of the product as users know it, such as “Sign-in”. Incidents suggest those of their service.",
        "Add a component",
    )

    class Media:
        css = {"all": ("alerts/forms.css",)}
        js = ("alerts/forms.js",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Component]:
        confirmed = Q(subscribers__confirmed_at__isnull=False, subscribers__unsubscribed_at=None)
        counted = Count("subscribers", filter=confirmed, distinct=True)
        return super().get_queryset(request).select_related("group", "service").annotate(subscriber_count=counted)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("group__position", "group__name", "position", "name", "pk")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if (data := getattr(response, "context_data", None)) and (changelist := data.get("cl")):
            rows = list(changelist.result_list)
            # Of incidents that users were not told of, too: the team knows more than the page.
            going = ComponentImpact.objects.filter(component__in=rows, ended_at=None)
            levels: dict[int, int] = {}
            for component_id, level in going.values_list("component", "level"):
                levels[component_id] = max(level, levels.get(component_id, 0))
            for one in rows:
                one.level_now = Level(levels.get(one.pk, 0))
            changelist.result_list = rows
        return response

    @display(description="State", label=_TONES)
    def level(self, component: Any) -> tuple[str, str]:
        level = getattr(component, "level_now", Level.OPERATIONAL)
        return NAMES[level], WORDS[level]

    @display(description="Made of")
    def made_of(self, component: Component) -> SafeString | str:
        if component.service is None:
            return "chosen by hand"
        of = ", ".join(component.endpoints) or "all of it"
        return format_html('{}<div class="lm-rule-sentence">{}</div>', component.service.name, of)

    @display(description="Subscribers", ordering="subscriber_count")
    def subscribed(self, component: Any) -> SafeString | str:
        if not component.subscriber_count:
            return "none of their own"
        query = urlencode({"components__id__exact": component.pk})
        address = reverse("admin:alerts_subscriber_changelist")
        return format_html('<a href="{}?{}">{}</a>', address, query, f"{component.subscriber_count:,}")


@admin.register(ComponentGroup)
class ComponentGroupAdmin(_WithEmptyState):
    list_display = ("name", "listed", "position")
    actions = None
    nothing = (
        "No group yet",
        "Groups put components under a heading of the status page: “Website”, “Payments”. A few components need none.",
        "Add a group",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ComponentGroup]:
        return super().get_queryset(request).annotate(component_count=Count("components"))

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("position", "name", "pk")

    @display(description="Components", ordering="component_count")
    def listed(self, group: Any) -> SafeString:
        address = f"{reverse('admin:alerts_component_changelist')}?{urlencode({'group__id__exact': group.pk})}"
        return format_html('<a href="{}">{}</a>', address, group.component_count)


@admin.register(Subscriber)
class SubscriberAdmin(_WithEmptyState):
    """They come and go by themselves; staff can look, and take an address out that asked for it."""

    list_display = ("email", "what", "takes", "since", "mailed")
    list_filter = (("confirmed_at", admin.EmptyFieldListFilter), "components")
    search_fields = ("email",)
    search_help_text = "Search addresses"
    ordering = ("-created_at", "-pk")
    fields = ("email", "what", "takes", "created_at", "asked_at", "confirmed_at", "unsubscribed_at", "mailed")
    readonly_fields = fields
    nothing = (
        "Nobody subscribed yet",
        "People subscribe on the status page and confirm by a letter. From then on each update about what they chose is mailed.",
        "",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscriber]:
        rows = super().get_queryset(request).prefetch_related("components")
        return rows.annotate(letter_count=Count("letters"))

    @display(description="State")
    def what(self, subscriber: Subscriber) -> str:
        if subscriber.unsubscribed_at:
            return "unsubscribed"
        return "subscribed" if subscriber.confirmed_at else "not confirmed"

    @display(description="Takes")
    def takes(self, subscriber: Subscriber) -> str:
        return ", ".join(sorted(one.name for one in subscriber.components.all())) or "everything"

    @display(description="Since", ordering="created_at")
    def since(self, subscriber: Subscriber) -> SafeString | str:
        return moment(subscriber.confirmed_at or subscriber.created_at)

    @display(description="Letters", ordering="letter_count")
    def mailed(self, subscriber: Any) -> SafeString | str:
        if not subscriber.letter_count:
            return "none"
        address = f"{reverse('admin:alerts_letter_changelist')}?{urlencode({'subscriber__id__exact': subscriber.pk})}"
        return format_html('<a href="{}">{}</a>', address, f"{subscriber.letter_count:,}")
