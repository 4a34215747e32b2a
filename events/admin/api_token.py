"""API tokens: everybody on the staff makes and revokes their own; superusers see and revoke all."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from events.admin.issue_triage import actor
from events.admin.token_form import TokenForm
from events.models import ApiToken
from events.onboarding import api_curl_line
from events.templatetags.moments import moment


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """No right is needed: a token can do no more than its person."""

    # What counts first: on a phone the rest has to be pulled into sight.
    list_display = ("what", "revoke", "state", "last_used", "created", "user")
    list_display_links = None
    search_fields = ("name", "user__username")
    show_full_result_count = False
    list_per_page = 50
    ordering = ("-created_at", "-pk")
    actions = None
    form = TokenForm
    fields = ("name", "scope", "lifetime")
    change_list_template = "admin/events/api_token/list.html"

    class Media:
        css = {"all": ("events/events.css",)}

    # --- Who may do what -----------------------------------------------------------------------------------------

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return obj is None or obj.user_id == request.user.pk or request.user.is_superuser

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        return False

    # --- The list ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        return ApiToken.objects.visible_to(actor(request)).select_related("user")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return tuple(column for column in self.list_display if column != "user" or request.user.is_superuser)

    @display(description="Token", ordering="name")
    def what(self, token: ApiToken) -> SafeString:
        return format_html(
            '{}<div class="lm-entry-meaning"><code>{}</code> · {}</div>', token.name, token, token.get_scope_display()
        )

    @display(description="Made", ordering="created_at")
    def created(self, token: ApiToken) -> SafeString | str:
        return moment(token.created_at)

    @display(description="Last used", ordering="last_used_at")
    def last_used(self, token: ApiToken) -> SafeString | str:
        return moment(token.last_used_at)

    @display(description="State")
    def state(self, token: ApiToken) -> SafeString | str:
        if token.revoked_at is not None:
            return format_html("revoked {}", moment(token.revoked_at))
        if token.has_expired(at=timezone.now()):
            return format_html("expired {}", moment(token.expires_at))
        if not token.user.is_active:
            return "refused: its person is not active"
        return f"until {date_format(timezone.localtime(token.expires_at), 'j M Y')}" if token.expires_at else "for ever"

    @display(description="Revoke")
    def revoke(self, token: ApiToken) -> SafeString | str:
        if not token.is_usable(at=timezone.now()):
            return ""
        address = reverse("admin:events_apitoken_revoke", args=[token.pk])
        return format_html(
            '<a class="lm-button" href="{}">Revoke<span class="sr-only"> {}</span></a>', address, token.name
        )

    # --- Making one ----------------------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().add_view(request, form_url, {**(extra_context or {}), **one_button})

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        lifetime = form.cleaned_data["lifetime"]
        token, text = ApiToken.issue(
            actor(request),
            name=obj.name,
            scope=obj.scope,
            expires_at=timezone.now() + lifetime if lifetime else None,
        )
        obj.pk, obj.visible, obj.expires_at = token.pk, token.visible, token.expires_at
        request.new_token = text  # type: ignore[attr-defined]  # for the answer to this very request

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """The answer to the POST itself shows the token: a redirect would have to store it somewhere."""
        text: str = request.new_token  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"API token {obj.name}",
            "media": self.media,
            "token": obj,
            "text": text,
            "curl": api_curl_line(text, actor(request)),
            "back": reverse("admin:events_apitoken_changelist"),
        }
        response = TemplateResponse(request, "admin/events/api_token/new.html", context)
        response["Cache-Control"] = "no-store"
        return response

    # --- Revoking one --------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        revoke = self.admin_site.admin_view(self.revoke_view)
        return [path("<int:token_id>/revoke/", revoke, name="events_apitoken_revoke"), *super().get_urls()]

    def revoke_view(self, request: HttpRequest, token_id: int) -> HttpResponse:
        token = get_object_or_404(self.get_queryset(request), pk=token_id)
        back = reverse("admin:events_apitoken_changelist")
        if request.method == "POST":
            if token.revoke(at=timezone.now()):
                self.log_change(request, token, f"Revoked API token {token}.")
            messages.success(request, f"Token {token} ({token.name}) is revoked: whoever still uses it is refused.")
            return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Revoke {token.name}?",
            "media": self.media,
            "token": token,
            "back": back,
        }
        return TemplateResponse(request, "admin/events/api_token/revoke.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list says all that there is to say."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:events_apitoken_changelist"))
