"""What a rule looks like to a program, and what it takes to make or change one."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from alerts.api.fields import JsonFlag, JsonText, JsonWhole, texts_field, words_field
from alerts.conditions import ConditionError
from alerts.models import AlertRule, ConditionType
from alerts.models.rule import GROUPINGS
from alerts.rules.sentences import RuleTold, rule_sentence
from events.api.v1.bodies import StrictBody
from events.api.v1.parameters import Word
from events.api.v1.shapes import ObjectField, ServiceNameSerializer, UtcField
from events.choices import SeverityChoices

# As the model has them: nobody is told of what is only there to be looked up.
RULE_SEVERITIES = [choice for choice in SeverityChoices.choices if choice[0] != "debug"]
_LONGEST_SECONDS = 30 * 86400
_PARAMETERS = (
    'What the condition needs, such as `{"limit": 5, "window_seconds": 300}` for a threshold. '
    "Errors name the parameter at fault."
)


class RuleSerializer(serializers.Serializer[Any]):
    """A condition, which events it is about, and how its alerts behave."""

    id = serializers.IntegerField(source="pk")
    key = serializers.CharField(help_text="Of the rules that a Liftmon starts with; empty for others.")
    name = serializers.CharField()
    sentence = serializers.SerializerMethodField(help_text="What it does, in plain words.")
    is_enabled = serializers.BooleanField()
    condition = serializers.ChoiceField(ConditionType.choices)
    parameters = ObjectField(help_text="What the condition needs.")
    severity = serializers.ChoiceField(RULE_SEVERITIES, help_text="Of its alerts.")
    service = ServiceNameSerializer(allow_null=True, help_text="null: all services.")
    environments = serializers.ListField(child=serializers.CharField())
    names = serializers.ListField(child=serializers.CharField())
    severities = serializers.ListField(child=serializers.ChoiceField(SeverityChoices.choices))
    endpoints = serializers.ListField(child=serializers.CharField())
    tag = serializers.CharField()
    group_by = serializers.ListField(child=serializers.ChoiceField([(one, one) for one in GROUPINGS]))
    for_seconds = serializers.IntegerField()
    recover_seconds = serializers.IntegerField()
    group_wait_seconds = serializers.IntegerField()
    repeat_seconds = serializers.IntegerField()
    owner = serializers.CharField(source="owner.username", allow_null=True, help_text="A username.")
    runbook = serializers.CharField()
    created_at = UtcField()

    def get_sentence(self, rule: AlertRule) -> str:
        try:
            condition = rule.parsed()
        except ConditionError as error:
            return f"It is not judged: {error}"
        told = RuleTold(
            kind=rule.condition, condition=condition, severity=rule.severity, match=rule.match, group_by=rule.group_by,
            for_seconds=rule.for_seconds, recover_seconds=rule.recover_seconds, group_wait_seconds=rule.group_wait_seconds,
            repeat_seconds=rule.repeat_seconds, service_name=rule.service.name if rule.service else "",
        )  # fmt: skip
        return rule_sentence(told)


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ParametersField(serializers.JSONField):
    """Read by alerts.conditions, which knows them."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            raise serializers.ValidationError("It is no object.")
        return data


class RuleChangeSerializer(StrictBody):
    """What to change; what is left out stays."""

    name = JsonText(max_length=120, required=False)
    is_enabled = JsonFlag(required=False)
    condition = Word(choices=ConditionType.choices, required=False)
    parameters = ParametersField(required=False, help_text=_PARAMETERS)
    severity = Word(choices=RULE_SEVERITIES, required=False, help_text="Of its alerts.")
    service = JsonText(
        max_length=60, required=False, allow_null=True, help_text="The id or the slug of a service; null: all services."
    )
    environments = texts_field(64, help_text="Empty: all of them.")
    names = texts_field(200, help_text="Names of events; * stands for anything. Empty: all of them.")
    severities = words_field(SeverityChoices.choices, help_text="Of events. Empty: all of them.")
    endpoints = texts_field(300, help_text="* stands for anything. Empty: all of them.")
    tag = JsonText(
        max_length=200, required=False, allow_blank=True,
        help_text="A name, `name:value` or `name>=number`; an event must have it. Empty: any event.",
    )  # fmt: skip
    group_by = words_field(
        [(one, one) for one in GROUPINGS], help_text="One alert for each combination of these. Empty: one for the rule."
    )
    for_seconds = JsonWhole(
        required=False,
        min_value=0,
        max_value=_LONGEST_SECONDS,
        help_text="How long it must hold before the alert fires.",
    )
    recover_seconds = JsonWhole(
        required=False,
        min_value=0,
        max_value=_LONGEST_SECONDS,
        help_text="How long it must not hold until that is over.",
    )
    group_wait_seconds = JsonWhole(
        required=False,
        min_value=0,
        max_value=_LONGEST_SECONDS,
        help_text="How long to wait for more alerts before telling.",
    )
    repeat_seconds = JsonWhole(
        required=False, min_value=0, max_value=_LONGEST_SECONDS, help_text="When people are told again; 0: never."
    )
    owner = JsonText(
        max_length=150,
        required=False,
        allow_null=True,
        help_text="A username of somebody on the staff; null for nobody.",
    )
    runbook = JsonText(
        max_length=20_000, required=False, allow_blank=True,
        help_text="What to do when it fires, or the address of a page that says so.",
    )  # fmt: skip


class NewRuleSerializer(RuleChangeSerializer):
    """A name, a condition with its parameters, a severity; the rest has defaults."""

    name = JsonText(max_length=120)
    condition = Word(choices=ConditionType.choices)
    severity = Word(choices=RULE_SEVERITIES, help_text="Of its alerts.")
