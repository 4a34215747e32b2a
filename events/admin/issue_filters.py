"""What the list of issues can be narrowed to."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from events.choices import SeverityChoices
from events.models import Issue, IssueStatus, Service, Tier

Issues = QuerySet[Issue]


class StatusFilter(admin.SimpleListFilter):
    """Unresolved unless the reader asks for something else."""

    title = "status"
    parameter_name = "status"
    everything = "all"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Issue]") -> list[tuple[str, str]]:
        return [*((str(value), str(label)) for value, label in IssueStatus.choices), (self.everything, "All")]

    def value(self) -> str:
        return super().value() or IssueStatus.UNRESOLVED.value

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value, label in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}, ["p"]),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: Issues) -> Issues:
        return queryset if self.value() == self.everything else queryset.filter(status=self.value())


class SeverityFilter(admin.SimpleListFilter):
    title = "severity"
    parameter_name = "severity"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Issue]") -> list[tuple[str, str]]:
        # Info and debug are counted and never issues.
        return [
            (choice.value, str(choice.label))
            for choice in (SeverityChoices.CRITICAL, SeverityChoices.ERROR, SeverityChoices.WARNING)
        ]

    def queryset(self, request: HttpRequest, queryset: Issues) -> Issues:
        return queryset.filter(severity=self.value()) if self.value() else queryset


class TierFilter(admin.SimpleListFilter):
    title = "tier"
    parameter_name = "tier"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Issue]") -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in Tier.choices]

    def queryset(self, request: HttpRequest, queryset: Issues) -> Issues:
        return queryset.filter(tier=self.value()) if self.value() else queryset


class ServiceFilter(admin.SimpleListFilter):
    title = "service"
    parameter_name = "service"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Issue]") -> list[tuple[str, str]]:
        return [(slug, name) for slug, name in Service.objects.order_by("name").values_list("slug", "name")]

    def queryset(self, request: HttpRequest, queryset: Issues) -> Issues:
        # Slugs have no commas: with them an address names several.
        return queryset.filter(service__slug__in=(self.value() or "").split(",")) if self.value() else queryset


class NameFilter(admin.SimpleListFilter):
    """By event name: offered only when an address asks for one, as there may be hundreds."""

    title = "event name"
    parameter_name = "name"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Issue]") -> list[tuple[str, str]]:
        name = request.GET.get(self.parameter_name, "")
        return [(name, name)] if name else []

    def queryset(self, request: HttpRequest, queryset: Issues) -> Issues:
        return queryset.filter(name=self.value()) if self.value() else queryset


class _Answers(admin.SimpleListFilter):
    """A filter of a few fixed answers, each with the narrowing that it stands for."""

    answers: dict[str, tuple[str, Callable[[HttpRequest, Issues], Issues]]] = {}

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Issue]") -> list[tuple[str, str]]:
        return [(value, label) for value, (label, _) in self.answers.items()]

    def queryset(self, request: HttpRequest, queryset: Issues) -> Issues:
        answer = self.answers.get(self.value() or "")
        return answer[1](request, queryset) if answer else queryset


class AssigneeFilter(_Answers):
    title = "assignee"
    parameter_name = "assignee"
    answers = {
        "me": ("Me", lambda request, issues: issues.filter(assignee_id=request.user.pk)),
        "nobody": ("Nobody", lambda _, issues: issues.filter(assignee__isnull=True)),
        "anyone": ("Anyone", lambda _, issues: issues.filter(assignee__isnull=False)),
    }


class RegressedFilter(_Answers):
    title = "came back"
    parameter_name = "regressed"
    answers = {
        "yes": ("Yes, after it was resolved", lambda _, issues: issues.filter(is_regressed=True)),
        "no": ("No", lambda _, issues: issues.filter(is_regressed=False)),
    }


def _seen_within(time: timedelta) -> Callable[[HttpRequest, Issues], Issues]:
    return lambda _, issues: issues.filter(last_seen_at__gte=timezone.now() - time)


class LastSeenFilter(_Answers):
    title = "last seen"
    parameter_name = "seen"
    answers = {
        "1h": ("In the last hour", _seen_within(timedelta(hours=1))),
        "24h": ("In the last 24 hours", _seen_within(timedelta(hours=24))),
        "7d": ("In the last 7 days", _seen_within(timedelta(days=7))),
        "30d": ("In the last 30 days", _seen_within(timedelta(days=30))),
        "quiet": (
            "Quiet for 7 days",
            lambda _, issues: issues.filter(last_seen_at__lt=timezone.now() - timedelta(days=7)),
        ),
    }
