"""What the inbox can be narrowed to."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from alerts.models import Alert, AlertRule, AlertState
from alerts.models.alert import AlertQuerySet
from alerts.rules import noise
from events.choices import SeverityChoices
from events.models import Service

_LISTED = 200


class StateFilter(admin.SimpleListFilter):
    """Shown as tabs above the list."""

    title = "state"
    parameter_name = "state"
    answers = (("", "All"), ("open", "Open"), *((str(value), str(label)) for value, label in AlertState.choices))

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Alert]") -> list[tuple[str, str]]:
        return [answer for answer in self.answers if answer[0]]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value, label in self.answers:
            yield {
                "selected": (self.value() or "") == value,
                "query_string": changelist.get_query_string(
                    {self.parameter_name: value} if value else {}, self._left_out(value)
                ),
                "display": label,
            }

    def _left_out(self, value: str) -> list[str]:
        return ["p"] if value else ["p", self.parameter_name]

    def queryset(self, request: HttpRequest, queryset: AlertQuerySet) -> AlertQuerySet:  # type: ignore[override]
        wanted = self.value()
        if wanted == "open":
            return queryset.open()
        return queryset.filter(state=wanted) if wanted in AlertState.values else queryset


class SeverityFilter(admin.SimpleListFilter):
    title = "severity"
    parameter_name = "severity"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Alert]") -> list[tuple[str, str]]:
        # No rule is of severity debug.
        return [(str(value), str(label)) for value, label in SeverityChoices.choices if value != "debug"]

    def queryset(self, request: HttpRequest, queryset: AlertQuerySet) -> AlertQuerySet:  # type: ignore[override]
        return queryset.filter(severity=self.value()) if self.value() else queryset


class ServiceFilter(admin.SimpleListFilter):
    title = "service"
    parameter_name = "service"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Alert]") -> list[tuple[str, str]]:
        services = Service.objects.order_by("name", "pk").values_list("pk", "name")
        return [(str(pk), name) for pk, name in services[:_LISTED]]

    def queryset(self, request: HttpRequest, queryset: AlertQuerySet) -> AlertQuerySet:  # type: ignore[override]
        number = _number(self.value())
        return queryset if number is None else queryset.of_service(number)


class RuleFilter(admin.SimpleListFilter):
    title = "rule"
    parameter_name = "rule"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Alert]") -> list[tuple[str, str]]:
        rules = AlertRule.objects.order_by("name", "pk").values_list("pk", "name")
        return [(str(pk), name) for pk, name in rules[:_LISTED]]

    def queryset(self, request: HttpRequest, queryset: AlertQuerySet) -> AlertQuerySet:  # type: ignore[override]
        number = _number(self.value())
        return queryset if number is None else queryset.filter(rule=number)


class _Answers(admin.SimpleListFilter):
    """A few fixed answers, each with the narrowing that it stands for."""

    answers: dict[str, tuple[str, Callable[[HttpRequest], Q]]] = {}

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Alert]") -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in self.answers.items()]

    def queryset(self, request: HttpRequest, queryset: AlertQuerySet) -> AlertQuerySet:  # type: ignore[override]
        answer = self.answers.get(self.value() or "")
        return queryset.filter(answer[1](request)) if answer else queryset


class AcknowledgedFilter(_Answers):
    title = "acknowledged"
    parameter_name = "acknowledged"
    answers = {
        "no": ("By nobody", lambda _: Q(acknowledged_at=None)),
        "yes": ("By somebody", lambda _: Q(acknowledged_at__isnull=False)),
        "ignored": ("By nobody, nor was anything else done", lambda _: noise.IGNORED),
    }


class FiredFilter(_Answers):
    """What a rule's noise is counted of."""

    title = "fired"
    parameter_name = "fired"
    answers = {
        "30d": ("In the last 30 days", lambda _: noise.fired_lately(now=timezone.now())),
    }


class MineFilter(_Answers):
    title = "mine"
    parameter_name = "mine"
    answers = {
        "owner": ("I answer for its rule", lambda request: Q(rule__owner=request.user.pk)),
        "acknowledged": ("I acknowledged it", lambda request: Q(acknowledged_by=request.user.pk)),
        "any": ("Either", lambda request: Q(rule__owner=request.user.pk) | Q(acknowledged_by=request.user.pk)),
    }


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None
