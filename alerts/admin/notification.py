"""The outbox: what people were told, where, and what the other side answered. Written by Liftmon alone."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from alerts.admin.notices import notices
from alerts.models import Notification, NotificationAttempt, NotificationKind, NotificationState
from alerts.outbox.reach import critical_unreached, given_up_count, letters_given_up_count, send_again
from events.templatetags.moments import moment

_TONES = {
    NotificationState.WAITING: "warning", NotificationState.SENT: "success", NotificationState.DEAD: "danger",
    NotificationState.MUTED: "info", NotificationState.DROPPED: "info",
}  # fmt: skip


class AttemptInline(TabularInline):
    model = NotificationAttempt
    verbose_name_plural = "Attempts"
    fields = ("when", "is_accepted", "status", "answer", "took")
    readonly_fields = fields
    extra = 0
    show_title = False  # a row of its own that says only that it is an attempt
    can_delete = False
    ordering = ("at", "pk")

    @display(description="When")
    def when(self, attempt: NotificationAttempt) -> SafeString | str:
        return moment(attempt.at)

    @display(description="Took")
    def took(self, attempt: NotificationAttempt) -> str:
        return f"{attempt.took_ms:,} ms"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("alerts.view_notification"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Notification)
class NotificationAdmin(ModelAdmin):
    list_display = ("what", "state_badge", "channel", "about", "created", "due", "tries", "reason")
    list_display_links = ("what",)
    list_filter = ("state", "kind", "channel", "created_at")
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-created_at", "-pk")
    actions = ("send_dead_again",)
    fields = (
        "what",
        "state",
        "channel",
        "about",
        "created",
        "due",
        "settled",
        "tries",
        "reason",
        "travelled",
        "key",
    )
    readonly_fields = fields
    inlines = (AttemptInline,)
    change_form_template = "admin/alerts/notification/page.html"
    change_list_template = "admin/alerts/notification/list.html"

    class Media:
        css = {"all": ("events/events.css", "alerts/forms.css")}

    # --- Who may do what -----------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Notification | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Notification | None = None) -> bool:
        return False

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Who may change channels, and send tests to them, may send again."""
        return bool(request.user.has_perm("alerts.change_channel"))

    # --- The list ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notification]:
        return Notification.objects.select_related("channel", "alert", "carrier", "incident").defer("receipt")

    @display(description="Message")
    def what(self, notification: Notification) -> str:
        # Of a late step it is the step's id, which says nothing to people.
        is_counted = notification.number and notification.incident_id is None
        number = f" ({notification.number})" if is_counted else ""
        return f"{notification.get_kind_display()}{number}"

    @display(description="State", label=_TONES, ordering="state")
    def state_badge(self, notification: Notification) -> tuple[str, str]:
        return notification.state, notification.get_state_display()

    @display(description="About")
    def about(self, notification: Notification) -> SafeString | str:
        if notification.incident_id is not None:
            address = f"{reverse('admin:index')}alerts/incident/{notification.incident_id}/change/"
            return format_html(
                '<a class="lm-wrap" href="{}">Incident {}</a>', address, str(notification.incident)[:160]
            )
        if notification.kind == NotificationKind.DIGEST:
            return notification.subject
        if notification.alert_id is None:
            return "none: a test"
        address = reverse("admin:alerts_alert_change", args=[notification.alert_id])
        return format_html('<a class="lm-wrap" href="{}">{}</a>', address, str(notification.alert)[:160])

    @display(description="Written", ordering="created_at")
    def created(self, notification: Notification) -> SafeString | str:
        return moment(notification.created_at)

    @display(description="Due", ordering="due_at")
    def due(self, notification: Notification) -> SafeString | str:
        """When it is tried next; what is settled is due no longer."""
        return moment(notification.due_at) if notification.state == NotificationState.WAITING else "–"

    @display(description="Settled", ordering="settled_at")
    def settled(self, notification: Notification) -> SafeString | str:
        return moment(notification.settled_at) if notification.settled_at else "not yet"

    @display(description="Attempts", ordering="attempt_count")
    def tries(self, notification: Notification) -> int:
        return notification.attempt_count

    @display(description="Travelled with")
    def travelled(self, notification: Notification) -> SafeString | str:
        if notification.carrier_id is None:
            return "no other"
        address = reverse("admin:alerts_notification_change", args=[notification.carrier_id])
        return format_html('<a href="{}">the message that told of this one, too</a>', address)

    # --- Sending again -------------------------------------------------------------------------------------------

    @action(description="Send again", permissions=["send"])
    def send_dead_again(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        count = send_again(list(queryset.values_list("pk", flat=True)), now=timezone.now())
        if not count:
            said = "Nothing was sent again: only what was given up can be."
            self.message_user(request, said, messages.WARNING)
            return
        what = "1 message is" if count == 1 else f"{count} messages are"
        self.message_user(request, f"{what} due again now, with ten new attempts.", messages.SUCCESS)

    # --- What the top of every page says -------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.notices_view)
        return [path("notices/", view, name="alerts_notification_notices"), *super().get_urls()]

    def notices_view(self, request: HttpRequest) -> HttpResponse:
        """The fragment that each page asks for: whether messages arrive, and whether critical alerts have somewhere to go."""
        user = request.user
        given_up = given_up_count(now=timezone.now()) if user.has_perm("alerts.view_notification") else 0
        is_told_here = request.GET.get("on") == "routes"
        unreached = critical_unreached() if user.has_perm("alerts.view_route") and not is_told_here else None
        letters = letters_given_up_count(now=timezone.now()) if user.has_perm("alerts.view_letter") else 0
        found = notices(given_up, unreached, letters)
        response = TemplateResponse(request, "admin/alerts/_notices.html", {"notices": found})
        response["Cache-Control"] = "no-store"
        return response
