"""What the list of incidents can be narrowed to."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format

from alerts.models import Incident, IncidentSeverity, IncidentState
from alerts.models.incident import IncidentQuerySet
from events.models import Service

_LISTED = 200
_SPANS = {
    "24h": ("Last 24 hours", 1),
    "7d": ("Last 7 days", 7),
    "30d": ("Last 30 days", 30),
    "365d": ("Last year", 365),
}


class StateFilter(admin.SimpleListFilter):
    """Shown as tabs above the list."""

    title = "state"
    parameter_name = "state"
    answers = (
        ("", "All"),
        ("ongoing", "Ongoing"),
        *((str(value), str(label)) for value, label in IncidentState.choices),
    )

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [answer for answer in self.answers if answer[0]]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value, label in self.answers:
            left_out = ["p"] if value else ["p", self.parameter_name]
            query = changelist.get_query_string({self.parameter_name: value} if value else {}, left_out)
            yield {"selected": (self.value() or "") == value, "query_string": query, "display": label}

    def queryset(self, request: HttpRequest, queryset: IncidentQuerySet) -> IncidentQuerySet:  # type: ignore[override]
        wanted = self.value()
        if wanted == "ongoing":
            return queryset.ongoing()
        return queryset.filter(state=wanted) if wanted in IncidentState.values else queryset


class SeverityFilter(admin.SimpleListFilter):
    title = "severity"
    parameter_name = "severity"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [(str(one.value), one.name) for one in IncidentSeverity]

    def queryset(self, request: HttpRequest, queryset: IncidentQuerySet) -> IncidentQuerySet:  # type: ignore[override]
        number = number_of(self.value())
        return queryset if number is None else queryset.filter(severity=number)


class ServiceFilter(admin.SimpleListFilter):
    """``0``: of no single service; ``5,7,0``, by a link from elsewhere: of one of those or of several."""

    title = "service"
    parameter_name = "service"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        services = Service.objects.order_by("name", "pk").values_list("pk", "name")
        found = [(str(pk), name) for pk, name in services[:_LISTED]]
        wanted = str(request.GET.get(self.parameter_name, ""))
        if "," in wanted and (numbers := _numbers_of(wanted)):
            names = [name for pk, name in services if pk in numbers]
            found.append((wanted, ", ".join(names) + (", or several" if 0 in numbers else "")))
        return [*found, ("0", "Several")]

    def queryset(self, request: HttpRequest, queryset: IncidentQuerySet) -> IncidentQuerySet:  # type: ignore[override]
        numbers = _numbers_of(self.value() or "")
        if not numbers:
            return queryset
        of_none = Q(service=None) if 0 in numbers else Q()
        return queryset.filter(Q(service__in=numbers - {0}) | of_none)


def _numbers_of(text: str) -> set[int]:
    return {number for part in text.split(",") if (number := number_of(part)) is not None}


class EnvironmentFilter(admin.SimpleListFilter):
    """Of that environment, or of several; also of one of those that the address repeats."""

    title = "environment"
    parameter_name = "environment"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        names = Incident.objects.exclude(environment="").order_by("environment").values_list("environment", flat=True)
        return [(name, name) for name in names.distinct()[:_LISTED]]

    def queryset(self, request: HttpRequest, queryset: IncidentQuerySet) -> IncidentQuerySet:  # type: ignore[override]
        wanted = request.GET.getlist(self.parameter_name) if self.value() else []
        return queryset.filter(environment__in=("", *wanted)) if wanted else queryset


class ReachedFilter(admin.SimpleListFilter):
    """Whether somebody acknowledged it, or it was resolved, by now."""

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        return [("no", "Not yet"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: IncidentQuerySet) -> IncidentQuerySet:  # type: ignore[override]
        wanted = self.value()
        return (
            queryset.filter(**{f"{self.parameter_name}_at__isnull": wanted == "no"})
            if wanted in ("no", "yes")
            else queryset
        )


class AcknowledgedFilter(ReachedFilter):
    title = "acknowledged"
    parameter_name = "acknowledged"


class ResolvedFilter(ReachedFilter):
    title = "resolved"
    parameter_name = "resolved"


class OpenedFilter(admin.SimpleListFilter):
    """When it was opened: the last days, or, by a link from elsewhere, from one time up to another, written ``START/END``."""

    title = "opened"
    parameter_name = "opened"

    def lookups(self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]") -> list[tuple[str, str]]:
        found = [(value, label) for value, (label, _) in _SPANS.items()]
        wanted = str(request.GET.get(self.parameter_name, ""))
        if (span := span_of(wanted)) is not None:
            said = [date_format(timezone.localtime(at), "j M Y, H:i") for at in span]
            found.append((wanted, " to ".join(said)))
        return found

    def queryset(self, request: HttpRequest, queryset: IncidentQuerySet) -> IncidentQuerySet:  # type: ignore[override]
        wanted = self.value() or ""
        if wanted in _SPANS:
            return queryset.filter(opened_at__gte=timezone.now() - timedelta(days=_SPANS[wanted][1]))
        span = span_of(wanted)
        return queryset if span is None else queryset.filter(opened_at__gte=span[0], opened_at__lt=span[1])


def span_of(text: str) -> tuple[datetime, datetime] | None:
    """Of ``2026-03-01T00:00Z/2026-03-08T00:00Z``; None for anything else."""
    start, _, end = text.partition("/")
    try:
        found = parse_datetime(start), parse_datetime(end)
    except ValueError:
        return None
    if found[0] is None or found[1] is None or timezone.is_naive(found[0]) or timezone.is_naive(found[1]):
        return None
    return found[0], found[1]


def number_of(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else None
