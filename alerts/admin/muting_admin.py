"""What the admin pages of silences and of windows of maintenance have in common: both mute alerts from one time to another."""

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from alerts.acting import handling
from alerts.admin.alert_acting import actor, may_act, may_look
from alerts.admin.silence_form import SpanForm
from alerts.models import Alert, MaintenanceWindow, Silence
from alerts.outbox import wording
from alerts.outbox.muting import muted_by
from events.templatetags.moments import moment

_LISTED = 10


class MutingAdmin(ModelAdmin):
    """Lists what runs first; a form with a preview; an end that is now. Nothing is deleted: what muted alerts is their history."""

    form_class: ClassVar[type[SpanForm]]
    change_list_template = "admin/alerts/silence/list.html"
    # What an empty list says.
    nothing: ClassVar[tuple[str, str, str]]
    list_display_links = ("what",)
    list_fullwidth = True
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    actions = ("end_now",)

    class Media:
        css = {"all": ("events/issue.css", "alerts/alerts.css")}
        js = ("alerts/silence.js",)

    # --- Who may do what -----------------------------------------------------------------------------------------

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_look(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_look(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may_act(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_act(request) and (obj is None or obj.ends_at > timezone.now())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        return may_act(request)

    # --- The list ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        now = timezone.now()
        order = Case(
            When(starts_at__gt=now, then=Value(1)), When(ends_at__gt=now, then=Value(0)), default=Value(2),
            output_field=IntegerField(),
        )  # fmt: skip
        rows = self.model._default_manager.all()  # noqa: SLF001 - documented; the ordering comes with the annotation
        return rows.select_related("author").annotate(shown_first=order)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("shown_first", "-ends_at")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        headline, words, verb = self.nothing
        more = {"nothing": headline, "nothing_words": words, "add_verb": verb, "may_act": may_act(request)}
        more |= {"here": request.get_full_path(), "add_address": reverse(f"admin:{self._name}_add")}
        response: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **more})
        if (data := getattr(response, "context_data", None)) and (changelist := data.get("cl")):
            data["is_narrowed"] = bool(changelist.query) or changelist.has_active_filters
        return response

    @display(description="State")
    def state(self, what: Silence | MaintenanceWindow) -> SafeString:
        now = timezone.now()
        state = "expired" if what.ends_at <= now else "running" if what.starts_at <= now else "to come"
        tone = {"expired": "resolved", "running": "pending"}.get(state, "")
        return format_html('<span class="lm-alert-state lm-alert-{}">{}</span>', tone, state.capitalize())

    @display(description="Begins", ordering="starts_at")
    def begins(self, what: Silence | MaintenanceWindow) -> SafeString | str:
        return moment(what.starts_at)

    @display(description="Ends", ordering="ends_at")
    def ends(self, what: Silence | MaintenanceWindow) -> SafeString | str:
        return moment(what.ends_at)

    @display(description="Author")
    def by(self, what: Silence | MaintenanceWindow) -> str:
        return str(what.author) if what.author else "A link in a message"

    @display(description="End")
    def end(self, what: Silence | MaintenanceWindow) -> SafeString | str:
        if what.ends_at <= timezone.now():
            return ""
        verb = "End now" if what.starts_at <= timezone.now() else "Call off"
        address = reverse(f"admin:{self._name}_end", args=[what.pk])
        return format_html(
            '<button class="lm-button" form="lm-alert-act" formaction="{}">{}<span class="sr-only"> {}</span></button>',
            address, verb, what,
        )  # fmt: skip

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return tuple(self.list_display) if may_act(request) else tuple(self.list_display)[:-1]

    @action(description="End now", permissions=["act"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        ended = sum(self._end(request, one) for one in queryset)
        self.message_user(request, f"{ended} ended.", messages.SUCCESS if ended else messages.INFO)

    # --- Its form ------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("preview/", wrap(self.preview_view), name=f"{self._name}_preview"),
            path("<int:pk>/end/", wrap(self.end_view), name=f"{self._name}_end"),
            *super().get_urls(),
        ]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._form_view(request, self.model(author=actor(request)))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        number = int(object_id) if object_id.isascii() and object_id.isdecimal() and len(object_id) < 19 else 0
        what = get_object_or_404(self.model, pk=number)
        if not self.has_view_permission(request, what):
            raise PermissionDenied
        return self._form_view(request, what)

    def _form_view(self, request: HttpRequest, what: Silence | MaintenanceWindow) -> HttpResponse:
        is_new, may_change = what.pk is None, self.has_change_permission(request, what if what.pk else None)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        asked = None if is_new else {"matchers": self.matchers_in_words(what)}
        initial = self.initial_of(request) if is_new else asked
        form = self.form_class(request.POST or None, instance=what, initial=initial)
        if request.method == "POST" and form.is_valid():
            form.save(commit=False)
            muted = handling.mute(what, by=actor(request), at=timezone.now())
            form.save_m2m()
            (self.log_addition if is_new else self.log_change)(
                request, what, f"{what}: until {what.ends_at:%Y-%m-%d %H:%M} UTC."
            )
            alerts = f"{muted} open alert{'' if muted == 1 else 's'} muted."
            messages.success(request, f"{'Added' if is_new else 'Changed'}: {what}. {alerts}")
            return HttpResponseRedirect(reverse(f"admin:{self._name}_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"New {self.opts.verbose_name}" if is_new else str(what),
            "original": None if is_new else what,
            "media": self.media,
            "what": what,
            "form": form,
            "may_change": may_change,
            "may_end": may_change and not is_new,
            "is_running": not is_new and what.starts_at <= timezone.now(),
            "state": "" if is_new else self.state(what),
            "here": request.get_full_path(),
            "preview": reverse(f"admin:{self._name}_preview"),
            "end": "" if is_new else reverse(f"admin:{self._name}_end", args=[what.pk]),
            "back": reverse(f"admin:{self._name}_changelist"),
            **self._muted(what if not is_new else None),
        }
        status = 422 if form.is_bound and form.errors else 200
        return TemplateResponse(request, "admin/alerts/silence/form.html", context, status=status)

    def matchers_in_words(self, what: Any) -> dict[str, str]:
        return {}

    def initial_of(self, request: HttpRequest) -> dict[str, Any]:
        """What the address of a new one asks for."""
        return {}

    # --- What it mutes, and its end ------------------------------------------------------------------------------

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """How many open alerts the form as it stands would mute; the form itself says what is wrong when it is sent."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        what = self.model()
        form = self.form_class(request.POST, instance=what)
        form.is_valid()
        problems: list[str] = [str(text) for name in self.previewed for text in form.errors.get(name, ())]
        for name in self.previewed:
            if name in form.cleaned_data:
                setattr(what, name, form.cleaned_data[name])
        context = self._muted(None if problems else what) | {"problems": problems, "may_change": True}
        return TemplateResponse(request, "admin/alerts/silence/_preview.html", context)

    # Fields that say which alerts it is about.
    previewed: ClassVar[tuple[str, ...]]

    def _muted(self, what: Silence | MaintenanceWindow | None) -> dict[str, Any]:
        alerts: list[Alert] = [] if what is None else muted_by(what)
        return {
            "is_previewed": what is not None,
            "muted_count": len(alerts),
            "muted": [(one, wording.title_of(one)) for one in alerts[:_LISTED]],
            "muted_more": max(len(alerts) - _LISTED, 0),
        }

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not may_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        what = get_object_or_404(self.model, pk=pk)
        if self._end(request, what):
            messages.success(request, f"Ended: {what}. What it muted and still fires is told within a minute.")
        else:
            messages.info(request, "It had ended already; nothing changed.")
        return HttpResponseRedirect(reverse(f"admin:{self._name}_changelist"))

    def _end(self, request: HttpRequest, what: Silence | MaintenanceWindow) -> bool:
        number = what.pk
        if not handling.unmute(what, by=actor(request), at=timezone.now()):
            return False
        what.pk = number
        self.log_change(request, what, f"Ended: {what}.")
        return True
