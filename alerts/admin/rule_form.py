"""Making and changing a rule. The fields of a condition's parameters are made from what alerts.conditions says of them."""

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from alerts.admin.fields import CommaListField, DurationField, NumberField
from alerts.conditions import ConditionError, Parameter, condition_of, parameters_of
from alerts.judging import counting
from alerts.models import AlertRule, ConditionType
from alerts.models.rule import GROUPINGS
from alerts.rules.problems import problems_of
from alerts.rules.sentences import RuleTold
from events.choices import SeverityChoices
from events.models import EventType

_MEASURES = {
    "events": "events", "users": "users hurt", "failure_ratio": "share of requests that fail",
    "share": "share of events that have the tag", "any": "any", "fast": "fast", "slow": "slow",
}  # fmt: skip
# What a parameter is called, and what its help says beyond its bounds.
_WORDS: Mapping[str, tuple[str, str]] = {
    "limit": ("Limit", "This many or more; of a share, such as 5 %."),
    "window_seconds": ("Window", "Looked at together, up to now."),
    "measure": ("What is counted", "Requests are api_response_time events; the tag is the one that the rule matches."),
    "least_volume": ("At least", "With fewer requests or events it says nothing."),
    "limit_ms": ("Limit in ms", "Slower than this."),
    "percentile": ("Percentile", "95: the slowest 5 of 100 are beyond it."),
    "times": ("Times the usual", "Of the same hours of this weekday, in the weeks before."),
    "least": ("At least", "Fewer events are no spike, however rare they are."),
    "least_history": (
        "Weeks known",
        "With fewer it says nothing. More than 4 means days of a fortnight instead of weeks.",
    ),
    "pace": ("Pace", "Fast: gone within hours or days, so that it should wake somebody. Slow: within a month."),
    "objective": ("Objective", "The share of requests that are to succeed, such as 99.5 %."),
    "endpoints": ("Endpoints", "This many or more, different ones."),
}
_SHARES = frozenset({"limit", "objective"})
_DURATIONS = ("for_seconds", "recover_seconds", "group_wait_seconds", "repeat_seconds")


def field_name(kind: str, parameter: str) -> str:
    return f"{kind}__{parameter}"


def _parameter_field(one: Parameter) -> forms.Field:
    label, more = _WORDS.get(one.name, (one.name.removesuffix("_seconds").replace("_", " ").capitalize(), ""))
    default = f"{100 * one.default:g} %" if one.name == "objective" and isinstance(one.default, float) else one.default
    common: dict[str, Any] = {"label": label, "required": False, "initial": default}
    if one.choices:
        choices = [(choice, _MEASURES.get(choice, choice)) for choice in one.choices]
        return forms.ChoiceField(choices=choices, help_text=more, widget=UnfoldAdminSelectWidget(), **common)
    if one.name.endswith("_seconds"):
        return DurationField(
            low=int(one.low), high=int(one.high), help_text=f"{more} As 5 min or 1 h.".strip(), **common
        )
    bounds = f"From {one.low:,g} to {one.high:,g}." if one.low > 0 and one.high < 1e6 else ""
    takes_share = one.name in _SHARES
    return NumberField(one, takes_share=takes_share, help_text=f"{more} {bounds}".strip(), **common)


PARAMETER_FIELDS: Mapping[str, forms.Field] = {
    field_name(kind, one.name): _parameter_field(one) for kind in ConditionType.values for one in parameters_of(kind)
}


class BaseRuleForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    names = CommaListField(
        longest=200, label="Event names", help_text="With commas between them; * stands for anything. Empty: all."
    )
    environments = CommaListField(longest=64, help_text="With commas between them. Empty: all.")
    endpoints = CommaListField(
        longest=300, help_text="With commas between them; * stands for anything, as in /api/pay*. Empty: all."
    )
    severities = forms.MultipleChoiceField(
        choices=SeverityChoices.choices, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Of the events. None chosen: all.",
    )  # fmt: skip
    group_by = forms.MultipleChoiceField(
        choices=[(one, one.replace("_", " ")) for one in GROUPINGS], required=False, label="One alert for each",
        widget=UnfoldAdminCheckboxSelectMultipleWidget(), help_text="Combination of these. None chosen: one alert for the rule.",
    )  # fmt: skip
    for_seconds = DurationField(label="Holds for", initial=0, help_text="Before the alert fires, as 5 min. 0: at once.")
    recover_seconds = DurationField(
        label="Recovers after", initial=300, help_text="Without the condition, before the alert is resolved, as 15 min."
    )
    group_wait_seconds = DurationField(
        label="Waits for more", initial=0, high=3600,
        help_text="Before people are told of the first, so that a storm is one message, as 30 s.",
    )  # fmt: skip
    repeat_seconds = DurationField(
        label="Repeats every",
        initial=4 * 3600,
        help_text="While it fires and nobody acknowledged it, as 4 h. 0: never.",
    )

    class Meta:
        model = AlertRule
        fields = (
            "name", "is_enabled", "severity", "condition", "service", "names", "severities", "environments", "endpoints",
            "tag", "group_by", *_DURATIONS, "inhibits_lower", "owner", "runbook",
        )  # fmt: skip

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        rule = self.instance
        for name, value in (rule.parameters or {}).items():
            if field_name(rule.condition, name) in self.fields:
                self.initial.setdefault(field_name(rule.condition, name), _shown(rule, name, value))
        if "tag" in self.fields:
            self.fields["tag"].help_text = "name, name:value or name>=number; an event must have it. Empty: any event."
        self._suggest()

    def _suggest(self) -> None:
        """Asked once a page, and only when it is shown."""
        seen: dict[str, list[str]] = {}

        def of(word: str) -> list[str]:
            if not seen:
                seen.update(counting.words_seen())
            return seen[word]

        for name, suggest in (
            ("names", lambda: list(EventType.objects.order_by("name").values_list("name", flat=True)[:60])),
            ("environments", lambda: of("environment")),
            ("endpoints", lambda: of("endpoint")),
        ):
            if name in self.fields:
                self.fields[name].widget.suggest = suggest

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        kind = cleaned.get("condition")
        if kind:
            self._clean_parameters(kind, cleaned)
            self._clean_match(kind, cleaned)
        return cleaned

    def _clean_parameters(self, kind: str, cleaned: dict[str, Any]) -> None:
        """Those of the other conditions are not looked at, right or wrong."""
        for name in PARAMETER_FIELDS:
            if not name.startswith(f"{kind}__") and name in self.errors:
                del self.errors[name]
        known = {one.name: cleaned.get(field_name(kind, one.name)) for one in parameters_of(kind)}
        given = {name: value for name, value in known.items() if value not in (None, "")}
        for one in parameters_of(kind):
            name = field_name(kind, one.name)
            if one.default is None and one.name not in given and name not in self.errors:
                self.add_error(name, "It has to be given.")
        if any(field_name(kind, name) in self.errors for name in known):
            return
        try:
            condition_of(kind, given)
        except ConditionError as error:
            name = field_name(kind, error.parameter)
            self.add_error(name if name in self.fields else None, str(error))
        else:
            self.instance.parameters = given

    def _clean_match(self, kind: str, cleaned: dict[str, Any]) -> None:
        """What the API refuses is refused here, at the fields of the form."""
        words = {
            name: cleaned.get(name) or [] for name in ("names", "severities", "environments", "endpoints", "group_by")
        }
        known = {one.name: cleaned.get(field_name(kind, one.name)) for one in parameters_of(kind)}
        given = {name: value for name, value in known.items() if value not in (None, "")}
        probe = AlertRule(condition=kind, parameters=given, tag=cleaned.get("tag") or "", **words)
        has_said = any(name.startswith(f"{kind}__") for name in self.errors)
        for name, problem in problems_of(probe):
            if name.startswith("parameters."):
                if has_said:
                    continue
                name = field_name(kind, name.removeprefix("parameters."))
            self.add_error(name if name in self.fields else None, problem)


RuleForm = type("RuleForm", (BaseRuleForm,), dict(PARAMETER_FIELDS))


def told_of(rule: AlertRule) -> RuleTold:
    """Raises ConditionError for parameters that say nothing."""
    return RuleTold(
        rule.condition, rule.parsed(), rule.severity, rule.match, tuple(rule.group_by), rule.for_seconds, rule.recover_seconds,
        rule.group_wait_seconds, rule.repeat_seconds, rule.service.name if rule.service else "",
    )  # fmt: skip


def _shown(rule: AlertRule, name: str, value: Any) -> Any:
    """Shares as people say them: 0.995 is 99.5 %."""
    is_share = name == "objective" or rule.parameters.get("measure") in ("failure_ratio", "share")
    return f"{100 * value:g} %" if name in _SHARES and is_share else value
