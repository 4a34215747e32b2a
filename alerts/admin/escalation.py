"""Escalation policies with their steps, what they do in a sentence, and the routes that name them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, StackedInline
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from alerts.admin.on_call import person_field, put_last
from alerts.models import Channel, EscalationPolicy, EscalationStep, OnCallSchedule, Route, Tells
from alerts.models.on_call import name_of, with_people
from alerts.on_call import escalating, readiness


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    routes = forms.ModelMultipleChoiceField(
        Route.objects.order_by("position", "pk"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        label="Routes",
        help_text="Alerts that these routes take are escalated by this policy. A route has one policy: choosing it here takes it "
        "from another.",
    )

    class Meta:
        model = EscalationPolicy
        fields = ("name", "repeat_count", "repeat_minutes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["routes"].initial = [one.pk for one in self.instance.routes.all()]


_HELP = {
    "person": "For a step that tells a person.",
    "schedule": "For a step that tells whoever is on call.",
    "channels": "For a step that tells channels.",
}


class StepForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, text in _HELP.items():
            if name in self.fields:
                self.fields[name].help_text = text

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        if found.get("tells") == Tells.CHANNELS and not found.get("channels"):
            self.add_error("channels", "Choose at least one channel: otherwise the step tells nobody.")
        if found.get("tells") != Tells.CHANNELS:
            found["channels"] = Channel.objects.none()
        return found


class EscalationStepInline(StackedInline):
    model = EscalationStep
    form = StepForm
    extra = 0
    min_num = 1
    fields = (("position", "wait_minutes", "tells"), ("person", "schedule"), "channels")
    ordering = ("position", "pk")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "person":
            return person_field(db_field)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        # A person is told through all of their contacts: those are no choice here.
        kwargs["queryset"] = Channel.objects.filter(contact_point__isnull=True).order_by("name")
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)


@admin.register(EscalationPolicy)
class EscalationPolicyAdmin(ModelAdmin):
    list_display = ("name", "sentence", "on_routes", "to_mend")
    ordering = ("name",)
    form = PolicyForm
    inlines = (EscalationStepInline,)
    fields = ("name", ("repeat_count", "repeat_minutes"), "routes")
    actions = None
    change_list_template = "admin/alerts/policy_list.html"
    change_form_template = "admin/alerts/policy_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[EscalationPolicy]:
        steps = EscalationStep.objects.select_related("person", "schedule").prefetch_related("channels")
        routes = Route.objects.order_by("position", "pk")
        return super().get_queryset(request).prefetch_related(Prefetch("steps", steps), Prefetch("routes", routes))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if (data := getattr(response, "context_data", None)) and (changelist := data.get("cl")):
            on_call, found = _on_call_now(), readiness.problems(now=timezone.now())
            data["problems"] = [one for one in found if one.policy_ids]
            for policy in changelist.result_list:
                policy.said = policy.in_words(on_call)
                policy.problem_count = sum(policy.pk in one.policy_ids for one in found)
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        policy: EscalationPolicy | None = context.get("original")
        if policy is not None:
            context["sentence"] = policy.in_words(_on_call_now())
            found = readiness.problems(now=timezone.now())
            context["problems"] = [one for one in found if policy.pk in one.policy_ids]
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="What it does")
    def sentence(self, policy: Any) -> SafeString:
        return format_html('<span class="lm-sentence">{}</span>', getattr(policy, "said", ""))

    @display(description="Routes")
    def on_routes(self, policy: EscalationPolicy) -> SafeString | str:
        names = format_html_join(", ", "{}", ((one.name,) for one in policy.routes.all()))
        return names or "no route names it"

    @display(description="To mend")
    def to_mend(self, policy: Any) -> SafeString | str:
        count = getattr(policy, "problem_count", 0)
        if not count:
            return "nothing"
        return format_html('<a class="text-link underline" href="{}">{}</a>', reverse("admin:on_call"), count)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        put_last(formset)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        policy, chosen = form.instance, form.cleaned_data.get("routes", Route.objects.none())
        Route.objects.filter(policy=policy).exclude(pk__in=chosen).update(policy=None)
        Route.objects.filter(pk__in=chosen).update(policy=policy)

    def has_delete_permission(self, request: HttpRequest, obj: EscalationPolicy | None = None) -> bool:
        """One that a route names stays: the route would tell fewer people than it says."""
        if obj is not None and obj.routes.exists():
            return False
        return bool(super().has_delete_permission(request, obj))


def _on_call_now() -> dict[int, str]:
    now = timezone.now()
    found = {one: escalating.on_call(one, at=now) for one in with_people(OnCallSchedule.objects.all(), since=now)}
    return {schedule.pk: name_of(person) if person else "" for schedule, person in found.items()}
