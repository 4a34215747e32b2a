"""Rules: what each does in a sentence, how much it bothers people, and making and changing one."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.views import ChangeList

from alerts.admin.return_to import back_to_list
from alerts.admin.rule_form import PARAMETER_FIELDS, RuleForm, told_of
from alerts.conditions import ConditionError
from alerts.models import AlertRule, ConditionType
from alerts.models.rule import IMMEDIATE
from alerts.rules.noise import Noise, noise_of
from alerts.rules.sentences import rule_sentence, telling_sentence
from events.choices import SEVERITY_RANK

_DESCRIPTIONS = {
    ConditionType.EVENT: "Judged when an event arrives. It needs nothing more than what it matches, below.",
    ConditionType.NEW_ISSUE: "Judged when an issue is first seen. It needs nothing more than what it matches, below.",
    ConditionType.REGRESSION: "Judged when a resolved issue comes back. It needs nothing more than what it matches, below.",
    ConditionType.THRESHOLD: "Judged every 15 seconds from what was counted.",
    ConditionType.LATENCY: "Judged every 15 seconds, by the response times of requests.",
    ConditionType.SPIKE: "Judged every 15 seconds, against the same hours of this weekday, or of days while few weeks are known.",
    ConditionType.ESCALATING: "Judged every 15 seconds: this hour's events of each issue against the hours of its week.",
    ConditionType.ABSENCE: "Judged every 15 seconds. What was never heard at all is not absent.",
    ConditionType.BURN_RATE: "Judged every 15 seconds, over three long windows and three short ones.",
    ConditionType.CASCADE: "Judged every 15 seconds, over all endpoints.",
}


class RuleChangeList(ChangeList):
    """Gives the rows of the page their noise, all in one query."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rules = list(self.result_list)
        noise = noise_of([rule.pk for rule in rules], now=timezone.now())
        for rule in rules:
            rule.noise = noise.get(rule.pk, Noise())
        self.result_list = rules


@admin.register(AlertRule)
class AlertRuleAdmin(ModelAdmin):
    form = RuleForm
    list_display = ("toggle", "what", "severity_badge", "noise", "owned_by")
    list_display_links = None
    list_filter = ("is_enabled", "severity", "condition", "service")
    search_fields = ("name", "names")
    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True
    actions = ("enable_rules", "disable_rules", "duplicate_rules")
    change_form_template = "admin/alerts/rule/page.html"
    change_list_template = "admin/alerts/rule/list.html"
    warn_unsaved_form = True

    class Media:
        css = {"all": ("events/events.css", "alerts/forms.css")}
        js = ("alerts/forms.js",)

    # --- The list ------------------------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RuleChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertRule]:
        return AlertRule.objects.select_related("service", "owner").annotate(severity_rank=SEVERITY_RANK)

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        """An expression, not the list's annotation: forms that choose a rule order their choices by this, too."""
        return (SEVERITY_RANK.desc(), "name", "pk")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Who may not change rules sees their state instead of the switch."""
        return tuple("is_enabled" if one == "toggle" and not self.has_change_permission(request) else one
                     for one in self.list_display)  # fmt: skip

    @display(description="Rule", ordering="name")
    def what(self, rule: AlertRule) -> SafeString:
        return format_html(
            '<a class="lm-rule-name" href="{}">{}</a><div class="lm-rule-sentence">{}</div>',
            reverse("admin:alerts_alertrule_change", args=[rule.pk]),
            rule.name,
            sentence_of(rule),
        )

    @display(description="Enabled", ordering="is_enabled")
    def toggle(self, rule: AlertRule) -> SafeString:
        """A button of the list's own form: it works without scripts, and carries the form's token."""
        return format_html(
            '<button class="lm-switch" role="switch" aria-checked="{}" formaction="{}" aria-label="{} enabled"></button>',
            "true" if rule.is_enabled else "false",
            reverse("admin:alerts_alertrule_toggle", args=[rule.pk]),
            rule.name,
        )

    @display(description="Severity", ordering="severity_rank")
    def severity_badge(self, rule: AlertRule) -> SafeString:
        return mark_safe(render_to_string("events/_severity.html", {"severity": rule.severity}))  # noqa: S308

    @display(description="Noise of 30 days")
    def noise(self, rule: Any) -> SafeString | str:
        noise: Noise = rule.noise
        if not noise.fired:
            return "did not fire"
        query = urlencode({"rule": rule.pk, "fired": "30d"})
        alerts = f"{reverse('admin:alerts_alert_changelist')}?{query}"
        hint = f"Nobody acted: {_remedy(rule)}?" if noise.is_only_noise else ""
        return format_html(
            '<a href="{}">fired {}</a><div class="lm-rule-noise">{}, {}</div>{}',
            alerts,
            f"{noise.fired:,} time{'' if noise.fired == 1 else 's'}",
            _counted(f"{alerts}&acknowledged=yes", noise.acknowledged, "acknowledged"),
            _counted(f"{alerts}&acknowledged=ignored", noise.ignored, "ignored"),
            format_html('<div class="lm-rule-hint">{}</div>', hint) if hint else "",
        )

    @display(description="Owner", ordering="owner__username")
    def owned_by(self, rule: AlertRule) -> str:
        return str(rule.owner) if rule.owner else "Nobody"

    # --- Several at once -----------------------------------------------------------------------------------------

    @action(description="Enable", permissions=["change"])
    def enable_rules(self, request: HttpRequest, queryset: QuerySet[AlertRule]) -> None:
        self._switch(request, queryset, True)

    @action(description="Disable", permissions=["change"])
    def disable_rules(self, request: HttpRequest, queryset: QuerySet[AlertRule]) -> None:
        self._switch(request, queryset, False)

    @action(description="Duplicate", permissions=["add"])
    def duplicate_rules(self, request: HttpRequest, queryset: QuerySet[AlertRule]) -> None:
        for rule in queryset:
            self.log_addition(request, copy := duplicate(rule), f"Copied from {rule.name}.")
        self.message_user(request, f"Copied, and switched off for now, the last as “{copy.name}”.", messages.SUCCESS)

    def _switch(self, request: HttpRequest, queryset: QuerySet[AlertRule], is_enabled: bool) -> None:
        changed = list(queryset.exclude(is_enabled=is_enabled))
        AlertRule.objects.filter(pk__in=[rule.pk for rule in changed]).update(is_enabled=is_enabled)
        word = "on" if is_enabled else "off"
        for rule in changed:
            self.log_change(request, rule, f"Switched {word}.")
        what = "1 rule is" if len(changed) == 1 else f"{len(changed)} rules are"
        self.message_user(request, f"{what} switched {word}.", messages.SUCCESS if changed else messages.INFO)

    # --- Its page ------------------------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: AlertRule | None = None) -> Any:
        may_edit = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        chosen = request.POST.get("condition") or request.GET.get("condition") or (obj.condition if obj else "")
        parameters = [
            (
                kind.label,
                {
                    "fields": tuple(name for name in PARAMETER_FIELDS if name.startswith(f"{kind.value}__")),
                    "description": _DESCRIPTIONS.get(kind, "Judged every 15 seconds."),
                    "classes": ["lm-for", f"lm-for-{kind.value}", *(["hidden"] if kind != chosen else [])],
                },
            )
            for kind in ConditionType
        ]
        return [
            (None, {"fields": ("name", ("severity", "is_enabled"), "condition")}),
            *(parameters if may_edit else ()),  # readers have the sentence
            (
                "What it matches",
                {"fields": ("service", "names", "severities", "environments", "endpoints", "tag", "group_by")},
            ),
            (
                "How its alerts behave",
                {
                    "fields": (
                        ("for_seconds", "recover_seconds"),
                        ("group_wait_seconds", "repeat_seconds"),
                        "inhibits_lower",
                    )
                },
            ),
            ("Who and what to do", {"fields": ("owner", "runbook")}),
        ]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        rule = self.get_object(request, object_id) if object_id else None
        more = {"sentence": _sentences(rule) if rule else None, "rule": rule, "noise": None}
        if rule is not None:
            more["noise"] = noise_of([rule.pk], now=timezone.now()).get(rule.pk, Noise())
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("sentence/", view(self.sentence_view), name="alerts_alertrule_sentence"),
            path("<int:rule_id>/toggle/", view(self.toggle_view), name="alerts_alertrule_toggle"),
            path("<int:rule_id>/duplicate/", view(self.duplicate_view), name="alerts_alertrule_duplicate"),
            *super().get_urls(),
        ]

    def sentence_view(self, request: HttpRequest) -> HttpResponse:
        """The fragment that says what the form would make, or what is still missing, while somebody types."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        form = RuleForm(QueryDict() if request.method != "POST" else request.POST)
        context: dict[str, Any] = {"sentence": None, "problems": []}
        if form.is_valid():
            context["sentence"] = _sentences(form.instance)
        else:
            context["problems"] = [
                (form.fields[name].label or name.replace("_", " ").capitalize(), error)
                for name, errors in form.errors.items()
                if name in form.fields
                for error in errors
            ]
        return TemplateResponse(request, "admin/alerts/rule/_sentence.html", context)

    def toggle_view(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        rule = self._to_change(request, rule_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._switch(request, AlertRule.objects.filter(pk=rule.pk), not rule.is_enabled)
        return back_to_list(request, "admin:alerts_alertrule_changelist")

    def duplicate_view(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        rule = get_object_or_404(AlertRule, pk=rule_id)
        copy = duplicate(rule)
        self.log_addition(request, copy, f"Copied from {rule.name}.")
        messages.success(request, "This is the copy. It is switched off until you enable it.")
        return HttpResponseRedirect(reverse("admin:alerts_alertrule_change", args=[copy.pk]))

    def _to_change(self, request: HttpRequest, rule_id: int) -> AlertRule:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(AlertRule, pk=rule_id)


def duplicate(rule: AlertRule) -> AlertRule:
    """The same under another name, without the key that names the guide's, and switched off."""
    values: dict[str, Any] = dict(AlertRule.objects.values().get(pk=rule.pk))
    for name in ("id", "key", "created_at"):
        del values[name]
    return AlertRule.objects.create(**values | {"name": f"Copy of {rule.name}"[:120], "is_enabled": False})


def sentence_of(rule: AlertRule) -> str:
    try:
        return rule_sentence(told_of(rule))
    except ConditionError as error:
        return f"It is not judged: {error}"


def _sentences(rule: AlertRule) -> tuple[str, str] | None:
    try:
        told = told_of(rule)
    except ConditionError:
        return None
    return rule_sentence(told), telling_sentence(told)


def _remedy(rule: AlertRule) -> str:
    return "match less" if rule.condition in IMMEDIATE else "raise the threshold"


def _counted(address: str, count: int, word: str) -> SafeString | str:
    """“11 ignored”, with the alerts behind it."""
    return format_html('<a href="{}">{} {}</a>', address, f"{count:,}", word) if count else f"0 {word}"
