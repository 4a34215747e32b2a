"""What is to be done after incidents: the list of all of it, and that of one incident as a page and a fragment of its page."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.views.generic import TemplateView
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.views import UnfoldSiteViewMixin

from alerts.admin import audit
from alerts.admin.on_call import PersonChoice
from alerts.incidents import follow_ups
from alerts.incidents.follow_ups import FollowUpError
from alerts.models import FollowUp, Incident
from alerts.models.on_call import name_of

_PARTIAL = "admin/alerts/incident/_follow_ups.html"


def may_look(request: HttpRequest) -> bool:
    user = request.user
    return user.has_perm("alerts.view_followup") or user.has_perm("alerts.view_incident") or may_work(request)


def may_work(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.change_followup") or request.user.has_perm("alerts.change_incident")


class FollowUpForm(forms.Form):
    text = forms.CharField(label="What", max_length=follow_ups.LONGEST, widget=forms.TextInput({"class": "lm-input"}))
    owner = PersonChoice(
        User.objects.filter(is_staff=True, is_active=True).order_by("username"), required=False, empty_label="Nobody yet",
        widget=forms.Select({"class": "lm-input"}),
    )  # fmt: skip
    due_on = forms.DateField(
        label="Until", required=False, widget=forms.DateInput({"type": "date", "class": "lm-input"})
    )


def follow_ups_context(
    incident: Incident, request: HttpRequest, *, form: FollowUpForm | None = None, problem: str = ""
) -> dict[str, Any]:
    """What ``admin/alerts/incident/_follow_ups.html`` shows."""
    works = may_work(request)
    rows = list(follow_ups.ordered(incident.follow_ups.all()))
    today = timezone.localdate()
    people = list(User.objects.filter(is_staff=True, is_active=True).order_by("username")) if works else []
    return {
        "incident": incident,
        "follow_ups": [
            {"row": one, "is_overdue": one.done_at is None and one.due_on is not None and one.due_on < today}
            for one in rows
        ],
        "follow_ups_problem": problem,
        "follow_ups_url": reverse("admin:incident_follow_ups", args=[incident.pk]),
        "follow_up_form": form or FollowUpForm(),
        "people": [(one.pk, name_of(one)) for one in people],
        "may_follow_up": works,
    }


class FollowUpsPage(UnfoldSiteViewMixin, TemplateView):
    """GET shows those of one incident, POST adds or changes one. To htmx only the list is answered."""

    title = "Follow-ups"
    permission_required = ()
    template_name = "admin/alerts/incident/follow_ups.html"

    def has_permission(self) -> bool:
        return may_look(self.request)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may_work(request):
            raise PermissionDenied
        act = _ACTS.get(request.POST.get("act", "add"))
        form = FollowUpForm(request.POST)
        try:
            if act is not None:
                said = act(request, self._incident())
            elif form.is_valid():
                follow_ups.add(self._incident().pk, **form.cleaned_data, by=request.user, at=timezone.now())
                said = f"To do: {form.cleaned_data['text']}"
            else:
                return self._shown(form=form, problem="It was not added: look at what is marked.")
        except FollowUpError as error:
            return self._shown(problem=str(error))
        audit.note(request, self._incident(), said)
        if request.headers.get("HX-Request"):
            return self._shown()
        messages.success(request, said)
        wanted = request.POST.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
        return HttpResponseRedirect(wanted if is_ours else request.path)

    def _incident(self) -> Incident:
        incident = Incident.objects.filter(pk=self.kwargs["incident_id"]).first()
        if incident is None:
            raise Http404("There is no incident of that number.")
        return incident

    def _shown(self, *, form: FollowUpForm | None = None, problem: str = "") -> HttpResponse:
        incident = self._incident()
        context = follow_ups_context(incident, self.request, form=form, problem=problem)
        if self.request.headers.get("HX-Request"):
            return TemplateResponse(self.request, _PARTIAL, context, headers={"Cache-Control": "no-store"})
        page = {**context, "incident_url": f"{reverse('admin:index')}alerts/incident/{incident.pk}/change/"}
        return self.render_to_response(self.get_context_data(**page), status=409 if problem else 200)


def _done(request: HttpRequest, incident: Incident) -> str:
    one = _one(request, incident)
    follow_ups.done(one.pk, by=request.user, at=timezone.now())
    return f"Done: {one.text}"


def _reopen(request: HttpRequest, incident: Incident) -> str:
    one = _one(request, incident)
    follow_ups.reopen(one.pk, by=request.user, at=timezone.now())
    return f"To do again: {one.text}"


def _hand(request: HttpRequest, incident: Incident) -> str:
    one, sent = _one(request, incident), request.POST
    owner = User.objects.filter(pk=_number(sent.get("owner", "")), is_staff=True, is_active=True).first()
    try:
        due_on = date.fromisoformat(sent["due_on"]) if sent.get("due_on") else None
    except ValueError:
        raise FollowUpError("Write the day as 2026-12-05.") from None
    follow_ups.hand(one.pk, owner=owner, due_on=due_on, by=request.user, at=timezone.now())
    return f"{one.text}: {name_of(owner) if owner else 'nobody'}{f', until {due_on}' if due_on else ''}"


_ACTS: dict[str, Callable[[HttpRequest, Incident], str]] = {"done": _done, "reopen": _reopen, "hand": _hand}


def _one(request: HttpRequest, incident: Incident) -> FollowUp:
    found = incident.follow_ups.filter(pk=_number(request.POST.get("follow_up", ""))).first()
    if found is None:
        raise FollowUpError("The follow-up is gone.")
    return found


def _number(text: str) -> int:
    """0, which no row has, for what is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


# --- All of them -------------------------------------------------------------------------------------------------------


class StateFilter(admin.SimpleListFilter):
    """What is open, unless somebody asks for more."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("overdue", "Overdue"), ("done", "Done"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None, "display": "Open",
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
        }  # fmt: skip
        yield from list(super().choices(changelist))[1:]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        match self.value():
            case "overdue":
                return queryset.filter(follow_ups.is_overdue(now=timezone.now()))
            case "done":
                return queryset.exclude(done_at=None)
            case "all":
                return queryset
        return queryset.filter(done_at=None)


class MineFilter(admin.SimpleListFilter):
    title = "owner"
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("me", "Mine"), ("nobody", "Nobody's")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> QuerySet[FollowUp]:
        if self.value() == "me":
            return queryset.filter(owner=request.user.pk)
        return queryset.filter(owner=None) if self.value() == "nobody" else queryset


@admin.register(FollowUp)
class FollowUpAdmin(ModelAdmin):
    list_display = ("what", "due", "whose", "of_incident")
    list_display_links = None
    list_filter = (StateFilter, MineFilter)
    list_per_page = 50
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER
    search_fields = ("text", "incident__title")
    search_help_text = "Search what is to be done, or the incident"
    actions = ("mark_done",)
    change_list_template = "admin/alerts/follow_up_list.html"

    class Media:
        css = {"all": ("events/events.css", "alerts/incident.css")}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # they are added where their incident is

    def has_change_permission(self, request: HttpRequest, obj: FollowUp | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: FollowUp | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: FollowUp | None = None) -> bool:
        return may_look(request)

    def has_work_permission(self, request: HttpRequest) -> bool:
        return may_work(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FollowUp]:
        return follow_ups.ordered(FollowUp.objects.all())

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return tuple(follow_ups.ordered(FollowUp.objects.all()).query.order_by)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A follow-up is looked at among those of its incident."""
        found = FollowUp.objects.filter(pk=_number(object_id)).first()
        if found is None:
            raise Http404("There is no follow-up of that number.")
        if not may_look(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:incident_follow_ups", args=[found.incident_id]))

    @display(description="What")
    def what(self, one: FollowUp) -> SafeString:
        address = f"{reverse('admin:incident_follow_ups', args=[one.incident_id])}#follow-up-{one.pk}"
        return format_html('<a class="lm-wrap text-link underline" href="{}">{}</a>', address, one.text)

    @display(description="Until", ordering="due_on")
    def due(self, one: FollowUp) -> SafeString | str:
        if one.done_at is not None:
            by = f" by {name_of(one.done_by)}" if one.done_by else ""
            return f"Done {date_format(timezone.localtime(one.done_at), 'j M Y')}{by}"
        if one.due_on is None:
            return "No day"
        said = date_format(one.due_on, "j M Y")
        if one.due_on < timezone.localdate():
            return format_html('<strong class="lm-worse">{}, overdue</strong>', said)
        return said

    @display(description="Owner", ordering="owner__username")
    def whose(self, one: FollowUp) -> str:
        return name_of(one.owner) if one.owner else "Nobody"

    @display(description="Incident", ordering="incident")
    def of_incident(self, one: FollowUp) -> SafeString:
        address = f"{reverse('admin:index')}alerts/incident/{one.incident_id}/change/"
        return format_html('<a class="lm-wrap text-link underline" href="{}">{}</a>', address, str(one.incident))

    @action(description="Done", permissions=["work"])
    def mark_done(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> None:
        count = 0
        for one in queryset.filter(done_at=None).order_by("pk"):
            try:
                follow_ups.done(one.pk, by=request.user, at=timezone.now())
            except FollowUpError:
                continue  # somebody was faster
            audit.note(request, one.incident, f"Done: {one.text}")
            count += 1
        said = f"{count} follow-up{'' if count == 1 else 's'} done." if count else "They were done already."
        self.message_user(request, said, messages.SUCCESS if count else messages.WARNING)
