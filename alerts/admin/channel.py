"""Channels: where people are told, whether that works, and what was given up there."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from alerts import delivery
from alerts.admin.channel_form import SETTING_FIELDS, ChannelForm, removal_name, target_of
from alerts.channels.kinds import KINDS
from alerts.models import Channel, ChannelKind, NotificationAttempt, NotificationKind, NotificationState, Route
from events.templatetags.moments import moment

_LATELY = timedelta(days=7)


@admin.register(Channel)
class ChannelAdmin(ModelAdmin):
    form = ChannelForm
    list_display = ("name", "kind", "target", "last_test", "given_up", "on_routes", "state")
    list_filter = ("kind", "is_enabled")
    search_fields = ("name",)
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    actions = None
    ordering = ("name", "pk")
    change_form_template = "admin/alerts/channel/page.html"
    change_list_template = "admin/alerts/channel/list.html"

    class Media:
        css = {"all": ("events/events.css", "alerts/forms.css")}
        js = ("alerts/forms.js",)

    # --- The list ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        dead = Q(
            notifications__state=NotificationState.DEAD, notifications__settled_at__gte=timezone.now() - _LATELY
        )  # fmt: skip
        routes = Prefetch("routes", Route.objects.order_by("position", "pk"))
        # People's contacts are theirs alone to change, under My contacts.
        return (
            Channel.objects.filter(contact_point__isnull=True)
            .annotate(dead_count=Count("notifications", filter=dead))
            .prefetch_related(routes)
        )

    @display(description="Where to")
    def target(self, channel: Channel) -> str:
        return target_of(channel)

    @display(description="Last test", ordering="tested_at")
    def last_test(self, channel: Channel) -> SafeString | str:
        if channel.tested_at is None:
            return "never tested"
        return format_html(
            '{}<div class="lm-rule-sentence">{}</div>', moment(channel.tested_at), channel.test_answer[:140]
        )

    @display(description="Given up in 7 days", ordering="dead_count")
    def given_up(self, channel: Any) -> SafeString | str:
        if not channel.dead_count:
            return "nothing"
        query = urlencode({"channel__id__exact": channel.pk, "state__exact": NotificationState.DEAD})
        noun = "message" if channel.dead_count == 1 else "messages"
        address = reverse("admin:alerts_notification_changelist")
        return format_html('<a href="{}?{}">{} {}</a>', address, query, f"{channel.dead_count:,}", noun)

    @display(description="Routes")
    def on_routes(self, channel: Channel) -> SafeString | str:
        links = [(reverse("admin:alerts_route_change", args=[one.pk]), one.name) for one in channel.routes.all()]
        return format_html_join(", ", '<a href="{}">{}</a>', links) or "on none: nothing is sent here"

    @display(description="State", ordering="is_enabled")
    def state(self, channel: Channel) -> str:
        if channel.is_enabled:
            return "on"
        return f"off: {channel.disabled_reason}" if channel.disabled_reason else "off"

    # --- Its page ------------------------------------------------------------------------------------------------

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> tuple[str, ...]:
        return ("kind",) if obj else ()  # what is kept is of one kind; another is another channel

    def get_fieldsets(self, request: HttpRequest, obj: Channel | None = None) -> Any:
        chosen = obj.kind if obj else request.POST.get("kind", ChannelKind.EMAIL.value)
        may_route = request.user.has_perm("alerts.change_route")
        shown: list[Any] = [(None, {"fields": ("name", "kind", "is_enabled", *(["routes"] if may_route else []))})]
        if obj is not None and not self.has_change_permission(request, obj):
            return shown  # settings are shown to those who may change them
        for kind in ChannelKind:
            if obj is not None and kind.value != obj.kind:
                continue
            names = [name for name in SETTING_FIELDS if name.startswith(f"{kind.value}__")]
            if obj is None:
                names = [name for name in names if not name.endswith("__remove")]
            else:
                names = [name for name in names if not name.endswith("__remove") or self._is_kept(obj, name)]
            hidden = [] if kind.value == chosen else ["hidden"]
            classes = ["lm-for", f"lm-for-{kind.value}", *hidden]
            shown.append((KINDS[kind.value].title, {"fields": tuple(names), "classes": classes}))
        return shown

    def _is_kept(self, channel: Channel, name: str) -> bool:
        """Whether there is something to take away."""
        kept = ChannelForm(instance=channel).kept
        return any(removal_name(channel.kind, setting) == name and kept[setting] for setting in kept)

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        """Switching it on again forgets why it was switched off; new settings have not been tested."""
        if obj.is_enabled:
            obj.disabled_reason = ""
        if change and form.has_new_settings:
            obj.tested_at, obj.test_answer = None, ""
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        # Without the right the choice is not shown, and what is not shown is not sent.
        if request.user.has_perm("alerts.change_route"):
            form.instance.routes.set(form.cleaned_data["routes"])

    def response_add(self, request: HttpRequest, obj: Channel, post_url_continue: str | None = None) -> HttpResponse:
        """To its page: the next thing to do is a test."""
        if "_addanother" in request.POST or "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, f"{obj.name} is kept. Send a test now, to know that messages arrive.")
        return HttpResponseRedirect(_address_of(obj))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        channel = self.get_object(request, object_id) if object_id else None
        more = {"channel": channel, "target": target_of(channel) if channel else "", "attempt": None}
        if channel is not None:
            more |= _last_test(channel)
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **more})

    # --- Testing it ----------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(self.test_view)
        return [path("<int:channel_id>/test/", test, name="alerts_channel_test"), *super().get_urls()]

    def test_view(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        """Sends a test, waits for the answer and shows it: as a fragment, or on the page for those without scripts."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        channel = get_object_or_404(Channel, pk=channel_id)
        delivery.send_test(channel, now=timezone.now())
        self.log_change(request, channel, "Sent a test.")
        if request.headers.get("HX-Request") != "true":
            return HttpResponseRedirect(_address_of(channel))
        context = {"channel": channel, **_last_test(channel)}
        return TemplateResponse(request, "admin/alerts/channel/_test.html", context)


def _last_test(channel: Channel) -> dict[str, Any]:
    """The newest attempt of a test: what was answered, and after how long."""
    attempts = NotificationAttempt.objects.filter(
        notification__channel=channel, notification__kind=NotificationKind.TEST
    ).order_by("-at", "-pk")
    return {"attempt": attempts.first() if channel.tested_at else None}


def _address_of(channel: Channel) -> str:
    return reverse("admin:alerts_channel_change", args=[channel.pk])
