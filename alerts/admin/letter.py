"""The letters beside the notifications: what single addresses were mailed, and what the mail server answered."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from alerts.models import Letter, LetterAttempt, NotificationState
from alerts.outbox.reach import send_letters_again
from events.templatetags.moments import moment

_TONES = {
    NotificationState.WAITING: "warning", NotificationState.SENT: "success", NotificationState.DEAD: "danger",
    NotificationState.MUTED: "info", NotificationState.DROPPED: "info",
}  # fmt: skip


class LetterAttemptInline(TabularInline):
    model = LetterAttempt
    verbose_name_plural = "Attempts"
    fields = ("when", "is_accepted", "status", "answer", "took")
    readonly_fields = fields
    extra = 0
    show_title = False
    can_delete = False
    ordering = ("at", "pk")

    @display(description="When")
    def when(self, attempt: LetterAttempt) -> SafeString | str:
        return moment(attempt.at)

    @display(description="Took")
    def took(self, attempt: LetterAttempt) -> str:
        return f"{attempt.took_ms:,} ms"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("alerts.view_letter"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Letter)
class LetterAdmin(ModelAdmin):
    list_display = ("subject", "state_badge", "to", "about", "created", "due", "attempt_count", "reason")
    list_display_links = ("subject",)
    list_filter = ("state", "created_at")
    search_fields = ("to", "subject")
    search_help_text = "Search addresses and subjects"
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    list_fullwidth = True
    show_facets = admin.ShowFacets.NEVER
    ordering = ("-created_at", "-pk")
    actions = ("send_dead_again",)
    fields = (
        "subject",
        "state_badge",
        "to",
        "about",
        "created",
        "due",
        "settled",
        "attempt_count",
        "reason",
        "key",
        "body",
    )
    readonly_fields = fields
    inlines = (LetterAttemptInline,)
    change_list_template = "admin/alerts/letter/list.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Letter | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Letter | None = None) -> bool:
        return False

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Who may send tests and notifications again may send these again."""
        return bool(request.user.has_perm("alerts.change_channel"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Letter]:
        rows = Letter.objects.select_related("status_update")
        # A list of thousands needs none of their bodies.
        is_one = request.resolver_match is not None and "object_id" in request.resolver_match.kwargs
        return rows if is_one else rows.defer("text", "html", "headers", "inline_images")

    @display(description="State", label=_TONES, ordering="state")
    def state_badge(self, letter: Letter) -> tuple[str, str]:
        return letter.state, letter.get_state_display()

    @display(description="About")
    def about(self, letter: Letter) -> SafeString | str:
        if letter.is_digest:
            return "a digest"
        if letter.status_update is None:
            return "a subscription"
        address = reverse("admin:alerts_statusupdate_change", args=[letter.status_update.pk])
        return format_html('<a class="lm-wrap" href="{}">{}</a>', address, str(letter.status_update)[:120])

    @display(description="Written", ordering="created_at")
    def created(self, letter: Letter) -> SafeString | str:
        return moment(letter.created_at)

    @display(description="Due", ordering="due_at")
    def due(self, letter: Letter) -> SafeString | str:
        """When it is tried next; what is settled is due no longer."""
        return moment(letter.due_at) if letter.state == NotificationState.WAITING else "–"

    @display(description="Settled", ordering="settled_at")
    def settled(self, letter: Letter) -> SafeString | str:
        return moment(letter.settled_at) if letter.settled_at else "not yet"

    @display(description="Text")
    def body(self, letter: Letter) -> SafeString | str:
        """Without the addresses in it, which act for whoever opens them."""
        if letter.is_digest:
            return "The archive of digests shows what it says."
        if letter.status_update is None:
            return "The question to confirm, or the address of a subscription."
        return format_html('<p class="lm-wrap" style="white-space: pre-line">{}</p>', letter.status_update.text)

    @action(description="Send again", permissions=["send"])
    def send_dead_again(self, request: HttpRequest, queryset: QuerySet[Letter]) -> None:
        count = send_letters_again(list(queryset.values_list("pk", flat=True)), now=timezone.now())
        if not count:
            self.message_user(request, "Nothing was sent again: only what was given up can be.", messages.WARNING)
            return
        what = "1 letter is" if count == 1 else f"{count} letters are"
        self.message_user(request, f"{what} due again now, with ten new attempts.", messages.SUCCESS)
