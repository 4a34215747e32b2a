"""Runbooks with their steps, what they are for, and how they read on the page of an incident."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from alerts.admin.fields import CommaListField
from alerts.admin.on_call import put_last
from alerts.models import AlertRule, Runbook, RunbookStep, StepKind
from alerts.runbooks import writing

_MOST_STEPS = 50


class RunbookForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    event_names = CommaListField(
        longest=200,
        label="Names of events",
        help_text="Incidents about these follow it, before those of rules; * stands for anything. Separate with commas.",
    )

    class Meta:
        model = Runbook
        fields = ("name", "summary", "event_names", "rules", "is_fallback", "is_enabled")

    def clean_is_fallback(self) -> bool:
        wanted = bool(self.cleaned_data["is_fallback"])
        other = Runbook.objects.filter(is_fallback=True).exclude(pk=self.instance.pk).first()
        if wanted and other is not None:
            raise forms.ValidationError(f"“{other.name}” is the one for everything else: take it off there first.")
        return wanted


class RunbookStepInline(StackedInline):
    model = RunbookStep
    extra = 0
    fields = (("position", "kind", "target_minutes"), "title", "text")
    ordering = ("position", "pk")
    ordering_field = "position"


@admin.register(Runbook)
class RunbookAdmin(ModelAdmin):
    list_display = ("name_and_when", "about", "steps_said", "is_enabled")
    list_display_links = ("name_and_when",)
    list_filter = ("is_enabled",)
    search_fields = ("name", "summary", "event_names")
    search_help_text = "Search name, summary or names of events"
    ordering = ("-is_fallback", "name", "pk")
    form = RunbookForm
    inlines = (RunbookStepInline,)
    actions = None
    change_list_template = "admin/alerts/runbook/list.html"
    change_form_template = "admin/alerts/runbook/page.html"

    class Media:
        css = {"all": ("events/issue.css", "alerts/forms.css", "alerts/incident.css")}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Runbook]:
        found = super().get_queryset(request).prefetch_related("rules")
        return found.annotate(steps_count=Count("steps"))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = AlertRule.objects.order_by("name", "pk")
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        put_last(formset)

    @display(description="Runbook", ordering="name")
    def name_and_when(self, runbook: Runbook) -> SafeString:
        return format_html(
            '<span class="lm-issue-title">{}</span><span class="lm-issue-origin">{}</span>',
            runbook.name,
            runbook.summary,
        )

    @display(description="For incidents of")
    def about(self, runbook: Runbook) -> SafeString | str:
        named = [f"“{rule.name}”" for rule in runbook.rules.all()]
        words = format_html_join(", ", "<bdi>{}</bdi>", ((one,) for one in (*runbook.event_names, *named)))
        if runbook.is_fallback:
            return format_html("{}everything else", format_html("{}, ", words) if words else "")
        return words or "none: nothing leads to it"

    @display(description="Steps")
    def steps_said(self, runbook: Any) -> str:
        return str(runbook.steps_count)

    # --- How it reads --------------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        return [path("preview/", view, name="alerts_runbook_preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The steps of the form as it is filled in, saved or not."""
        if not self.has_change_permission(request) and not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return TemplateResponse(request, "admin/alerts/runbook/_preview.html", {"preview": _posted(request)})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        runbook: Runbook | None = context.get("original")
        if runbook is not None:
            rows = runbook.steps.order_by("position", "pk")
            context["preview"] = [_shown(one.kind, one.title, one.target_minutes, one.text) for one in rows]
        return super().render_change_form(request, context, *args, **kwargs)


def _posted(request: HttpRequest) -> list[dict[str, Any]]:
    sent, found = request.POST, []
    total = sent.get("steps-TOTAL_FORMS", "0")
    for number in range(min(int(total), _MOST_STEPS) if total.isdecimal() and len(total) < 4 else 0):
        named = {
            name: sent.get(f"steps-{number}-{name}", "") for name in ("position", "kind", "title", "target_minutes")
        }
        text = sent.get(f"steps-{number}-text", "")[:10_000]
        if sent.get(f"steps-{number}-DELETE") or not (named["title"] or text):
            continue
        position = int(named["position"]) if named["position"].isdecimal() and len(named["position"]) < 10 else 0
        shown = _shown(named["kind"], named["title"][:150], named["target_minutes"][:9], text)
        found.append((position, number, shown))
    return [shown for _, _, shown in sorted(found, key=lambda one: one[:2])]


def _shown(kind: str, title: str, minutes: int | str, text: str) -> dict[str, Any]:
    return {
        "kind": dict(StepKind.choices).get(kind, kind),
        "title": title,
        "minutes": minutes,
        "html": mark_safe(writing.as_html(text)),  # noqa: S308 - made of text alone
    }
