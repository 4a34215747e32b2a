"""`/api/v1/rules`: which condition of what happened becomes an alert."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from alerts.api import examples
from alerts.api.rule_shapes import NewRuleSerializer, RuleChangeSerializer, RuleSerializer
from alerts.api.view import ActView, AlertsView, nothing_said
from alerts.models import AlertRule, ConditionType, NotificationState
from alerts.rules.problems import problems_of
from events.api.problems import Problem
from events.api.v1.cursors import Cursors
from events.api.v1.described import id_in_address, refusals
from events.api.v1.pages import page_answer, page_shape, place_of
from events.api.v1.parameters import Parameters, Truth, Words, refusal
from events.api.v1.references import ServiceReference, person, row_or_404, service_id
from events.choices import SeverityChoices
from events.keyset import read_page

_CURSORS = Cursors("rules", (int,))
_RULES = AlertRule.objects.select_related("service", "owner")
_SEVERAL = "One or several: repeated, or a list with commas."


class RuleParameters(Parameters):
    enabled = Truth(required=False, help_text="Whether it is judged.")
    condition = Words(choices=ConditionType.choices, required=False, help_text=_SEVERAL)
    severity = Words(choices=SeverityChoices.choices, required=False, help_text=f"Of its alerts. {_SEVERAL}")
    service = ServiceReference()


class RuleListView(AlertsView):
    http_method_names = ["get", "head", "post"]
    reading_rights = ("alerts.view_alertrule",)
    changing_rights = ("alerts.add_alertrule",)

    @extend_schema(
        operation_id="list_rules",
        summary="List rules",
        description="Rules in the order in which they were made. `service` finds those that are about that service alone.",
        tags=["rules"],
        parameters=[RuleParameters],
        responses={200: page_shape("RulePage", RuleSerializer), **refusals(400)},
        examples=[examples.RULES],
    )
    def get(self, request: Request) -> Response:
        asked = RuleParameters.read(request.GET)
        found = _RULES.all()
        if "enabled" in asked:
            found = found.filter(is_enabled=asked["enabled"])
        if "condition" in asked:
            found = found.filter(condition__in=asked["condition"])
        if "severity" in asked:
            found = found.filter(severity__in=asked["severity"])
        if "service" in asked:
            found = found.filter(service=service_id(asked["service"]))
        page = read_page(found, order=("id",), place=place_of(asked, _CURSORS), size=asked["limit"])
        return page_answer(request, page, shape=RuleSerializer, cursors=_CURSORS)

    @extend_schema(
        operation_id="create_rule",
        summary="Create a rule",
        description="It is judged from now on, unless `is_enabled` is false. Errors name the parameter at fault, as "
        "`parameters.window_seconds`.",
        tags=["rules"],
        request={"application/json": NewRuleSerializer},
        responses={201: RuleSerializer, **refusals(400, 408, 413, 415)},
        examples=[examples.NEW_RULE, examples.MADE_RULE],
    )
    def post(self, request: Request) -> Response:
        Parameters.refuse_all(request.GET)
        rule = _checked(AlertRule(), NewRuleSerializer.read(request))
        rule.save()
        return Response(RuleSerializer(_rule_or_404(str(rule.pk))).data, status=201)


class RuleView(AlertsView):
    http_method_names = ["get", "head", "patch", "delete"]
    reading_rights = ("alerts.view_alertrule",)
    changing_rights = ("alerts.change_alertrule",)
    deleting_rights = ("alerts.delete_alertrule",)

    @extend_schema(
        operation_id="read_rule",
        summary="Read a rule",
        description="One rule.",
        tags=["rules"],
        parameters=[id_in_address("rule_id")],
        responses={200: RuleSerializer, **refusals(400, 404)},
        examples=[examples.RULE],
    )
    def get(self, request: Request, rule_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        return Response(RuleSerializer(_rule_or_404(rule_id)).data)

    @extend_schema(
        operation_id="change_rule",
        summary="Change a rule",
        description="What is left out stays; `parameters` are replaced as a whole, and with another condition they must be given.",
        tags=["rules"],
        parameters=[id_in_address("rule_id")],
        request={"application/json": RuleChangeSerializer},
        responses={200: RuleSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.RULE_CHANGE, examples.CHANGED_RULE],
    )
    def patch(self, request: Request, rule_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        wanted = RuleChangeSerializer.read(request)
        with transaction.atomic():
            # Two changes at once must not make a rule of halves that nobody checked.
            AlertRule.objects.select_for_update().filter(pk=int(rule_id)).first()
            rule = _checked(_rule_or_404(rule_id), wanted)
            rule.save(update_fields=list(wanted))
        return Response(RuleSerializer(_rule_or_404(rule_id)).data)

    @extend_schema(
        operation_id="delete_rule",
        summary="Delete a rule",
        description="With the history of its alerts. Refused while one of them is open or somebody is yet to be told that it is "
        "over: disable the rule first.",
        tags=["rules"],
        parameters=[id_in_address("rule_id")],
        responses={204: None, **refusals(400, 404, 409)},
    )
    def delete(self, request: Request, rule_id: str) -> Response:
        Parameters.refuse_all(request.GET)
        rule = _rule_or_404(rule_id)
        why_not = "It has alerts that are open or yet to be told of. Disable it, and delete it a minute later."
        waiting = rule.alerts.filter(notifications__state=NotificationState.WAITING)
        if rule.alerts.open().exists() or waiting.exists():
            raise Problem(409, "in_use", why_not)
        try:
            with transaction.atomic():
                rule.delete()
        except IntegrityError:  # an alert of it began in this moment
            raise Problem(409, "in_use", why_not) from None
        return Response(status=204)


class RuleSwitchView(ActView):
    reading_rights = ("alerts.view_alertrule",)
    changing_rights = ("alerts.change_alertrule",)

    def _switch(self, request: Request, rule_id: str, *, is_enabled: bool) -> Response:
        nothing_said(request)
        rule = _rule_or_404(rule_id)
        if is_enabled:
            _refuse_problems(rule)
        AlertRule.objects.filter(pk=rule.pk).update(is_enabled=is_enabled)
        return Response(RuleSerializer(_rule_or_404(rule_id)).data)


class RuleEnableView(RuleSwitchView):
    @extend_schema(
        operation_id="enable_rule",
        summary="Enable a rule",
        description="It is judged from now on.",
        tags=["rules"],
        parameters=[id_in_address("rule_id")],
        request=None,
        responses={200: RuleSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.RULE],
    )
    def post(self, request: Request, rule_id: str) -> Response:
        return self._switch(request, rule_id, is_enabled=True)


class RuleDisableView(RuleSwitchView):
    @extend_schema(
        operation_id="disable_rule",
        summary="Disable a rule",
        description="It is judged no longer; its open alerts are resolved within seconds.",
        tags=["rules"],
        parameters=[id_in_address("rule_id")],
        request=None,
        responses={200: RuleSerializer, **refusals(400, 404, 408, 413, 415)},
        examples=[examples.DISABLED_RULE],
    )
    def post(self, request: Request, rule_id: str) -> Response:
        return self._switch(request, rule_id, is_enabled=False)


def _checked(rule: AlertRule, wanted: Mapping[str, Any]) -> AlertRule:
    """The rule with what is wanted of it, not yet kept. Raises Problem 400."""
    values = dict(wanted)
    if "service" in values:
        values["service_id"] = service_id(values.pop("service"))
    if "owner" in values:
        owner: str | None = values.pop("owner")
        values["owner"] = None if owner is None else person(owner, field="owner")
    for name, value in values.items():
        setattr(rule, name, value)
    _refuse_problems(rule)
    return rule


def _refuse_problems(rule: AlertRule) -> None:
    if problems := problems_of(rule):
        raise refusal(problems)


def _rule_or_404(rule_id: str) -> AlertRule:
    found = _RULES.filter(pk=int(rule_id)).first()
    return row_or_404(found, "There is no rule of that number. GET /api/v1/rules lists them.")
