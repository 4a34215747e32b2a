"""The archive: every digest exactly as it was sent, who got it and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from alerts.models import Letter, LetterAttempt, NotificationAttempt, NotificationState
from dashboards.digests import sending
from dashboards.digests.content import read
from dashboards.digests.copies import about_of, archived
from dashboards.digests.rendering import page_of
from dashboards.models import Digest, DigestCopy, DigestDelivery
from dashboards.pages.framing import framed
from events.templatetags.moments import moment

_MOST_READERS = 300


@dataclass(frozen=True, slots=True)
class Received:
    """What became of it for one reader; ``link`` leads to the attempts."""

    reader: str
    state: str
    at: datetime | None
    attempts: int
    answer: str
    link: str
    is_late: bool = False


@admin.register(Digest)
class DigestAdmin(ModelAdmin):
    list_display = ("title", "period", "verdict", "about", "sent", "built")
    list_display_links = ("title",)
    list_filter = ("kind", "is_changed", "end_at")
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    ordering = ("-end_at", "-pk")
    actions = None
    show_facets = admin.ShowFacets.NEVER
    change_form_template = "admin/dashboards/digest/page.html"
    change_list_template = "admin/dashboards/digest/list.html"
    fields = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Digest | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Digest | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Digest | None = None) -> bool:
        """What a digest says is what the analytics say."""
        return request.user.has_perm("dashboards.view_analytics") or request.user.has_perm("dashboards.view_digest")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    # --- The list ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Digest]:
        first = DigestCopy.objects.only("digest_id", "subject", "scope_words").order_by("pk")
        sent = Count("deliveries", filter=Q(deliveries__skipped=""))
        return Digest.objects.annotate(sent_count=sent).prefetch_related(
            Prefetch("copies", queryset=first, to_attr="shown_copies")
        )

    @display(description="Digest", ordering="kind")
    def title(self, digest: Digest) -> str:
        return f"{digest.get_kind_display()}, {_local(digest, digest.end_at, 'D j M Y')}"

    @display(description="Period", ordering="end_at")
    def period(self, digest: Digest) -> str:
        return f"{_local(digest, digest.start_at, 'D j M, H:i')} – {_local(digest, digest.end_at, 'D j M, H:i T')}"

    @display(description="Says")
    def verdict(self, digest: Digest) -> str:
        return str(digest.content.get("verdict", ""))[:200]

    @display(description="About")
    def about(self, digest: Any) -> str:
        return digest.shown_copies[0].scope_words if digest.shown_copies else "–"

    @display(description="Sent to", ordering="sent_count")
    def sent(self, digest: Any) -> str:
        return f"{digest.sent_count:,} {'reader' if digest.sent_count == 1 else 'readers'}"

    @display(description="Built", ordering="built_at")
    def built(self, digest: Digest) -> SafeString | str:
        return moment(digest.built_at)

    # --- Its page ------------------------------------------------------------------------------------------------

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        digest = self.get_object(request, object_id) if object_id else None
        if digest is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        copies = list(digest.copies.order_by("-has_links", "is_late", "pk"))
        wanted = request.GET.get("copy", "")
        copy = next((one for one in copies if str(one.pk) == wanted), copies[0] if copies else None)
        html, text = (
            archived(copy) if copy else (page_of(read(digest.content), about_of(digest, "", is_sent=False)), "")
        )
        more = {
            "title": f"{self.title(digest)}: {self.period(digest)}", "digest": digest, "copies": copies, "copy": copy,
            "framed": framed(html), "text": text, "subject": copy.subject if copy else "",
            "slack": copy.slack.get("text", "") if copy else "", "received": _received(request, digest),
            "send_url": reverse("admin:dashboards_digest_send", args=[digest.pk]),
            "address": request.user.email if isinstance(request.user, User) else "", "subtitle": None,
        }  # fmt: skip
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.send_view)
        return [path("<int:digest_id>/send/", view, name="dashboards_digest_send"), *super().get_urls()]

    def send_view(self, request: HttpRequest, digest_id: int) -> HttpResponse:
        """To who is at the keyboard, now."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        digest = get_object_or_404(Digest, pk=digest_id)
        first = digest.copies.order_by("pk").first()
        send_to_me(request, lambda me: sending.send_again_to(
            me, digest, first.scope_words if first else "", now=timezone.now()
        ))  # fmt: skip
        return HttpResponseRedirect(reverse("admin:dashboards_digest_change", args=[digest.pk]))


def send_to_me(request: HttpRequest, send: Any) -> None:
    """``send`` takes the person. What came of it is told on the next page."""
    me = request.user
    if not isinstance(me, User) or not me.email:
        messages.error(request, "Your account has no e-mail address: ask who looks after accounts to enter one.")
        return
    send(me)
    messages.success(request, f"It goes to {me.email} within seconds.")


def _local(digest: Digest, at: datetime, form: str) -> str:
    return date_format(at.astimezone(ZoneInfo(digest.zone)), form)


def _received(request: HttpRequest, digest: Digest) -> list[Received]:
    """Everybody for those who may look at subscriptions; others see themselves."""
    user = request.user
    sees_all = user.has_perm("dashboards.view_digestsubscription") or user.has_perm("dashboards.view_digestdelivery")
    rows = digest.deliveries.select_related(
        "subscription__person", "subscription__channel", "letter", "notification"
    ).defer("letter__text", "letter__html", "letter__inline_images", "letter__headers", "notification__content")
    rows = rows.prefetch_related(
        Prefetch("letter__attempts", LetterAttempt.objects.order_by("at", "pk")),
        Prefetch("notification__attempts", NotificationAttempt.objects.order_by("at", "pk")),
    )
    rows = rows if sees_all else rows.filter(subscription__person=user.pk)
    found = [_of_delivery(request, one) for one in rows.order_by("created_at", "pk")[:_MOST_READERS]]
    asked = Letter.objects.filter(once__startswith=f"digest-now:{digest.pk}:").prefetch_related("attempts")
    asked = asked if sees_all else asked.filter(once__startswith=f"digest-now:{digest.pk}:{user.pk}:")
    return found + [_of_outbox(request, f"{one.to}, who asked for it", one) for one in asked.order_by("pk")[:50]]


def _of_delivery(request: HttpRequest, one: DigestDelivery) -> Received:
    reader = str(one.subscription)
    if one.skipped:
        return Received(reader, f"Not sent. {one.skipped}", one.created_at, 0, "", "", one.is_late)
    row = one.letter or one.notification
    if row is None:
        return Received(reader, "Sent; the letter is no longer kept.", one.created_at, 0, "", "", one.is_late)
    return _of_outbox(request, reader, row, is_late=one.is_late)


def _of_outbox(request: HttpRequest, reader: str, row: Any, *, is_late: bool = False) -> Received:
    name = "letter" if isinstance(row, Letter) else "notification"
    attempts = list(row.attempts.all())
    has_right = request.user.has_perm(f"alerts.view_{name}")
    return Received(
        reader=reader, state=NotificationState(row.state).label, at=row.settled_at or row.created_at,
        attempts=row.attempt_count, answer=attempts[-1].answer if attempts else row.reason,
        link=reverse(f"admin:alerts_{name}_change", args=[row.pk]) if has_right else "", is_late=is_late,
    )  # fmt: skip
