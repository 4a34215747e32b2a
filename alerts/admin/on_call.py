"""Schedules with the people who take turns, and the shifts in which somebody stands in."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from alerts.models import OnCallSchedule, OnCallShift, RotationMember
from alerts.models.contact import zone_names
from alerts.models.on_call import name_of, with_people
from alerts.on_call import escalating, readiness
from events.templatetags.moments import moment


class PersonChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Staff by the names that people call them; those who left are told apart."""

    def label_from_instance(self, obj: User) -> str:
        return name_of(obj) if obj.is_active else f"{name_of(obj)} (can no longer sign in)"


def person_field(field: Any) -> Any:
    """For formfield_for_foreignkey: what leads to a person lists staff."""
    return field.formfield(
        form_class=PersonChoice,
        queryset=User.objects.filter(is_staff=True).order_by("username"),
        widget=UnfoldAdminSelectWidget(),
    )


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    time_zone = forms.ChoiceField(choices=zone_names, widget=UnfoldAdminSelectWidget())


def put_last(formset: Any) -> None:
    """What was added without a position comes behind the others, in the order of the page. For save_formset."""
    last = max((form.instance.position for form in formset.initial_forms if form.instance.pk), default=-1)
    for form in formset.extra_forms:
        if form.instance.pk and "position" not in form.changed_data:
            last += 1
            form.instance.position = last
            form.instance.save(update_fields=["position"])


class RotationMemberInline(StackedInline):
    model = RotationMember
    extra = 1
    fields = (("person", "position"),)
    ordering = ("position", "pk")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "person":
            return person_field(db_field)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(OnCallSchedule)
class OnCallScheduleAdmin(ModelAdmin):
    list_display = ("name", "sentence", "on_call_now", "to_mend")
    ordering = ("name",)
    form = ScheduleForm
    inlines = (RotationMemberInline,)
    fields = (
        "name", "time_zone", ("turns", "hand_over_weekday", "hand_over_time"), ("starts_on", "ends_on"),
    )  # fmt: skip
    actions = None
    change_list_template = "admin/alerts/schedule_list.html"
    change_form_template = "admin/alerts/schedule_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[OnCallSchedule]:
        return with_people(super().get_queryset(request), since=timezone.now())

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {
            "starts_on": timezone.localdate(),
            "time_zone": timezone.get_current_timezone_name(),
            **super().get_changeform_initial_data(request),
        }

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if (data := getattr(response, "context_data", None)) and (changelist := data.get("cl")):
            found = readiness.problems(now=timezone.now())
            data["problems"] = [one for one in found if one.schedule_ids]
            for schedule in changelist.result_list:
                schedule.problem_count = sum(schedule.pk in one.schedule_ids for one in found)
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        schedule: OnCallSchedule | None = context.get("original")
        if schedule is not None:
            context["sentence"] = self.sentence(schedule)
            found = readiness.problems(now=timezone.now())
            context["problems"] = [one for one in found if schedule.pk in one.schedule_ids]
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="What it does")
    def sentence(self, schedule: OnCallSchedule) -> str:
        members = sorted(schedule.members.all(), key=lambda one: (one.position, one.pk))
        return schedule.in_words([one.person for one in members])

    @display(description="On call now")
    def on_call_now(self, schedule: OnCallSchedule) -> str:
        return _name(escalating.on_call(schedule, at=timezone.now()))

    @display(description="To mend")
    def to_mend(self, schedule: Any) -> SafeString | str:
        count = getattr(schedule, "problem_count", 0)
        if not count:
            return "nothing"
        return format_html('<a class="text-link underline" href="{}">{}</a>', reverse("admin:on_call"), count)

    def save_model(self, request: HttpRequest, obj: OnCallSchedule, form: Any, change: bool) -> None:
        request.on_call_before = _on_call_now(obj.pk) if change else None  # type: ignore[attr-defined]  # for save_related
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        put_last(formset)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Whoever changes a rotation at noon may change who is paged at one: it is said at once."""
        super().save_related(request, form, formsets, change)
        now = _on_call_now(form.instance.pk)
        if change and now != request.on_call_before:  # type: ignore[attr-defined]
            before = _name(request.on_call_before)  # type: ignore[attr-defined]
            messages.warning(request, f"On call on {form.instance} is now {_name(now)}; it was {before}.")


@admin.register(OnCallShift)
class OnCallShiftAdmin(ModelAdmin):
    list_display = ("who", "schedule", "begins", "ends", "note")
    list_display_links = ("who",)
    list_filter = ("schedule",)
    list_select_related = ("schedule", "person")
    ordering = ("-starts_at", "-pk")
    fields = ("schedule", "person", "starts_at", "ends_at", "note")
    list_per_page = 50

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "person":
            return person_field(db_field)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: OnCallShift, form: Any, change: bool) -> None:
        if not change and isinstance(request.user, User):
            obj.author = request.user
        super().save_model(request, obj, form, change)

    @display(description="Person", ordering="person__username")
    def who(self, shift: OnCallShift) -> str:
        return name_of(shift.person)

    @display(description="From", ordering="starts_at")
    def begins(self, shift: OnCallShift) -> SafeString | str:
        return moment(shift.starts_at)

    @display(description="Until", ordering="ends_at")
    def ends(self, shift: OnCallShift) -> SafeString | str:
        return moment(shift.ends_at)


def _on_call_now(schedule_id: int) -> User | None:
    now = timezone.now()
    schedule = with_people(OnCallSchedule.objects.filter(pk=schedule_id), since=now).first()
    return escalating.on_call(schedule, at=now) if schedule else None


def _name(person: User | None) -> str:
    return name_of(person) if person else "nobody"
