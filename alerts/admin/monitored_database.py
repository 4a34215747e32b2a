"""Databases and addresses of the product that incidents may look at."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from alerts import outbound_http
from alerts.incidents.diagnostics import asking
from alerts.incidents.diagnostics.connecting import keep_dsn, shown_dsn
from alerts.incidents.diagnostics.dsn import DsnError, hidden
from alerts.models import HttpCheck, MonitoredDatabase
from events.templatetags.moments import moment


class DsnInput(UnfoldAdminTextInputWidget):
    def format_value(self, value: Any) -> str:
        return hidden(str(value or ""))


class MonitoredDatabaseForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """The address is written, never read: not even what was typed a moment ago is shown again with its password."""

    dsn = forms.CharField(
        label="Address", max_length=1000, required=False,
        # A password's field would be filled in by browsers, with the one for Liftmon itself.
        widget=DsnInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="postgresql://role:password@host:5432/database, of a role that may read statistics. Kept encrypted.",
    )  # fmt: skip

    class Meta:
        model = MonitoredDatabase
        fields = (
            "name", "service", "dsn", "pool_limit", "slow_seconds", "timeout_ms", "allows_mitigation", "is_enabled",
        )  # fmt: skip

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        if self.instance.sealed_dsn and (kept := shown_dsn(self.instance)):
            self.fields["dsn"].widget.attrs["placeholder"] = f"{kept} is kept while this stays empty"

    def clean_dsn(self) -> str:
        text: str = self.cleaned_data["dsn"].strip()
        if not text and not self.instance.sealed_dsn:
            raise forms.ValidationError("Write where the database is: postgresql://role:password@host:5432/database.")
        if text:
            try:
                keep_dsn(self.instance, text)
            except DsnError as error:
                raise forms.ValidationError(str(error)) from None
        return ""


@admin.register(MonitoredDatabase)
class MonitoredDatabaseAdmin(ModelAdmin):
    form = MonitoredDatabaseForm
    list_display = ("name", "where", "of", "last_test", "acts", "look")
    list_select_related = ("service",)
    search_fields = ("name",)
    show_full_result_count = False
    list_fullwidth = True
    actions = None
    ordering = ("name",)
    change_form_template = "admin/alerts/diagnostics/database.html"
    change_list_template = "admin/alerts/diagnostics/list.html"

    class Media:
        css = {"all": ("events/events.css", "alerts/forms.css")}

    @display(description="Address")
    def where(self, database: MonitoredDatabase) -> str:
        return shown_dsn(database) or "cannot be decrypted: enter it again"

    @display(description="Service", ordering="service__name")
    def of(self, database: MonitoredDatabase) -> str:
        return database.service.name if database.service else "any"

    @display(description="Last test", ordering="tested_at")
    def last_test(self, database: MonitoredDatabase) -> SafeString | str:
        if database.tested_at is None:
            return "never tested"
        return format_html('{}<div class="lm-rule-sentence">{}</div>', moment(database.tested_at), database.test_answer)

    @display(description="May be acted on", boolean=True)
    def acts(self, database: MonitoredDatabase) -> bool:
        return database.allows_mitigation

    @display(description="Diagnostics")
    def look(self, database: MonitoredDatabase) -> SafeString:
        return format_html('<a href="{}?database={}">Look now</a>', reverse("admin:diagnostics"), database.pk)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        empty = {
            "empty_title": "No database can be looked at yet",
            "empty_text": "Add the product's PostgreSQL, as a role that may read statistics: incidents then show connections, long "
            "queries, locks, table sizes and missing indexes.",
            "empty_add": "Add a database",
        }
        return super().changelist_view(request, {**(extra_context or {}), **empty})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        database = self.get_object(request, object_id) if object_id else None
        more = {"database": database, "target": shown_dsn(database) if database else ""}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def response_add(
        self, request: HttpRequest, obj: MonitoredDatabase, post_url_continue: str | None = None
    ) -> HttpResponse:
        """To its page: the next thing to do is a test."""
        messages.success(request, f"{obj} is kept. Test the connection now.")
        return HttpResponseRedirect(reverse("admin:alerts_monitoreddatabase_change", args=[obj.pk]))

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(self.test_view)
        return [path("<int:database_id>/test/", test, name="alerts_monitoreddatabase_test"), *super().get_urls()]

    def test_view(self, request: HttpRequest, database_id: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        database = get_object_or_404(MonitoredDatabase, pk=database_id)
        is_fine, answer = asking.test(database, at=timezone.now())
        self.log_change(request, database, "Tested the connection.")
        (messages.success if is_fine else messages.error)(request, answer)
        return HttpResponseRedirect(reverse("admin:alerts_monitoreddatabase_change", args=[database.pk]))


class HttpCheckForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = HttpCheck
        fields = ("name", "service", "url", "expected_status", "slow_ms", "is_enabled")

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            outbound_http.read_url(url)
        except outbound_http.UrlError as error:
            raise forms.ValidationError(str(error)) from None
        return url


@admin.register(HttpCheck)
class HttpCheckAdmin(ModelAdmin):
    form = HttpCheckForm
    list_display = ("name", "url", "service", "expected_status", "slow_ms", "is_enabled")
    list_select_related = ("service",)
    search_fields = ("name", "url")
    show_full_result_count = False
    list_fullwidth = True
    actions = None
    ordering = ("name",)
    change_list_template = "admin/alerts/diagnostics/list.html"

    class Media:
        css = {"all": ("events/events.css", "alerts/forms.css")}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        empty = {
            "empty_title": "No address can be asked yet",
            "empty_text": "Add what should answer, such as https://host/healthz: incidents then show whether it does, and how "
            "fast.",
            "empty_add": "Add an address",
        }
        return super().changelist_view(request, {**(extra_context or {}), **empty})
