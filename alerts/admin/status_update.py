"""What was posted to the status page, and correcting it. New ones are posted from their incident or maintenance."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from alerts.admin.alert_acting import actor
from alerts.models import StatusUpdate
from alerts.statuspage.posting import PostingError, edit_update
from events.templatetags.moments import moment


class CorrectionForm(forms.Form):
    title = forms.CharField(
        label="Title", required=False, widget=forms.TextInput({"class": "lm-input", "maxlength": 200})
    )
    text = forms.CharField(
        label="Text", required=False, widget=forms.Textarea({"class": "lm-input", "rows": 8}), strip=False,
        help_text="For users, in Markdown: no names, no internals.",
    )  # fmt: skip
    seen = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)


@admin.register(StatusUpdate)
class StatusUpdateAdmin(ModelAdmin):
    list_display = ("what", "state", "about", "posted", "by", "mailed")
    list_display_links = ("what",)
    list_filter = ("state", "posted_at")
    search_fields = ("title", "text")
    search_help_text = "Search titles and texts"
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    actions = None
    ordering = ("-posted_at", "-pk")
    change_list_template = "admin/alerts/status_update/list.html"

    class Media:
        css = {"all": ("events/issue.css", "alerts/alerts.css")}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # posted from the page of what it is about

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # users have read it

    def get_queryset(self, request: HttpRequest) -> QuerySet[StatusUpdate]:
        rows = super().get_queryset(request).select_related("incident", "maintenance", "author")
        return rows.annotate(letter_count=Count("letters"))

    @display(description="Update")
    def what(self, update: StatusUpdate) -> str:
        return update.title

    @display(description="About")
    def about(self, update: StatusUpdate) -> SafeString:
        return format_html('<a href="{}">{}</a>', _page_of(update), update.incident or update.maintenance)

    @display(description="Posted", ordering="posted_at")
    def posted(self, update: StatusUpdate) -> SafeString:
        corrected = format_html(" (corrected {})", moment(update.edited_at)) if update.edited_at else ""
        return format_html("{}{}", moment(update.posted_at), corrected)

    @display(description="Author")
    def by(self, update: StatusUpdate) -> str:
        return str(update.author) if update.author else "–"

    @display(description="Letters", ordering="letter_count")
    def mailed(self, update: Any) -> SafeString | str:
        if not update.letter_count:
            return "none"
        address = f"{reverse('admin:alerts_letter_changelist')}?{urlencode({'status_update__id__exact': update.pk})}"
        return format_html('<a href="{}">{}</a>', address, f"{update.letter_count:,}")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        number = int(object_id) if object_id.isascii() and object_id.isdecimal() and len(object_id) < 19 else 0
        update = get_object_or_404(self.get_queryset(request), pk=number)
        if not self.has_view_permission(request, update):
            raise PermissionDenied
        may_change = self.has_change_permission(request, update)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        initial = {"title": update.title, "text": update.text, "seen": update.text}
        form = CorrectionForm(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid() and self._is_corrected(request, update, form):
            return HttpResponseRedirect(_page_of(update))
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": str(update), "original": update,
            "media": self.media, "update": update, "form": form, "may_change": may_change, "about_page": _page_of(update),
        }  # fmt: skip
        status = 422 if form.is_bound and form.errors else 200
        return TemplateResponse(request, "admin/alerts/status_update/page.html", context, status=status)

    def _is_corrected(self, request: HttpRequest, update: StatusUpdate, form: CorrectionForm) -> bool:
        told = form.cleaned_data
        try:
            is_changed = edit_update(
                update.pk,
                title=told["title"],
                text=told["text"],
                seen=told["seen"],
                by=actor(request),
                at=timezone.now(),
            )
        except PostingError as error:
            form.add_error(error.field or None, str(error))
            return False
        if is_changed:
            self.log_change(request, update, f"Corrected. Before: {update.title}: {update.text}"[:1000])
            messages.success(request, "Corrected. The page says so, and nobody is mailed.")
        else:
            messages.info(request, "Nothing was changed.")
        return True


def _page_of(update: StatusUpdate) -> str:
    if update.incident_id is not None:
        return reverse("admin:incident_status", args=[update.incident_id])
    return reverse("admin:maintenance_status", args=[update.maintenance_id])
