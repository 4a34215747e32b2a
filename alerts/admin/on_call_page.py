"""The page On call: who is, the next two weeks, what is wrong, standing in, and who would be told now."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.views.generic import TemplateView
from unfold.views import UnfoldSiteViewMixin

from alerts.models import Alert, AlertRule, ContactPoint, OnCallSchedule, OnCallShift
from alerts.models.on_call import name_of, with_people
from alerts.on_call import calendar_feed, escalating, readiness, rotation
from events.choices import SeverityChoices
from events.models import Service

_DAYS = 14
_UPCOMING = 20
_MOMENT = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True, slots=True)
class Line:
    """Who is on call on one schedule for a part of a day. ``cover``: the query that fills the form for standing in."""

    schedule: OnCallSchedule
    who: str
    starts_at: datetime
    ends_at: datetime
    is_gap: bool
    is_override: bool
    is_now: bool
    cover: str


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    is_today: bool
    lines: list[Line]


class ShiftForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Standing in; times are in the reader's zone."""

    starts_at = forms.DateTimeField(
        label="From", input_formats=[_MOMENT], widget=forms.DateTimeInput({"type": "datetime-local"}, format=_MOMENT)
    )
    ends_at = forms.DateTimeField(
        label="Until", input_formats=[_MOMENT], widget=forms.DateTimeInput({"type": "datetime-local"}, format=_MOMENT)
    )

    class Meta:
        model = OnCallShift
        fields = ("schedule", "person", "starts_at", "ends_at", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people: Any = self.fields["person"]
        people.queryset = User.objects.filter(is_active=True, is_staff=True).order_by("username")
        people.label_from_instance = name_of
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "lm-input"
            if self.errors.get(name):
                field.widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"lm-shift-{name}"}

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        starts_at, ends_at = found.get("starts_at"), found.get("ends_at")
        if starts_at and ends_at and ends_at <= starts_at:
            self.add_error("ends_at", "It must end after it begins.")
        elif ends_at and ends_at <= timezone.now():
            self.add_error("ends_at", "It is over already: choose a time that is still to come.")
        return found


class OnCallPage(UnfoldSiteViewMixin, TemplateView):
    """GET shows it; POST adds a shift, takes one away, or makes a new address for a calendar."""

    permission_required: ClassVar[tuple[str, ...]] = ("alerts.view_oncallschedule",)
    title = "On call"
    template_name = "admin/alerts/on_call.html"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        action, here = request.POST.get("action"), HttpResponseRedirect(reverse("admin:on_call"))
        if action == "cover":
            return self._cover(request)
        if action == "remove":
            self._need("alerts.delete_oncallshift")
            shift = OnCallShift.objects.filter(pk=_number(request.POST.get("shift")) or 0).first()
            if shift is not None:
                shift.delete()
                messages.success(request, "The shift is gone; the rotation holds there again.")
        elif action == "new_address":
            self._need("alerts.change_oncallschedule")
            chosen = OnCallSchedule.objects.filter(pk=_number(request.POST.get("schedule")) or 0)
            if chosen.update(feed_number=F("feed_number") + 1):
                messages.success(request, "The calendar has a new address; the old one shows nothing any more.")
        return here

    def _need(self, right: str) -> None:
        if not self.request.user.has_perm(right):
            raise PermissionDenied

    def _cover(self, request: HttpRequest) -> HttpResponse:
        self._need("alerts.add_oncallshift")
        form = ShiftForm(request.POST)
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form), status=422)
        form.instance.author = request.user
        shift = form.save()
        messages.success(request, f"{name_of(shift.person)} stands in on {shift.schedule}.")
        return HttpResponseRedirect(reverse("admin:on_call"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, user = timezone.now(), self.request.user
        start = _midnight(timezone.localdate(now))
        schedules = list(with_people(OnCallSchedule.objects.order_by("name"), since=start))
        may_cover = user.has_perm("alerts.add_oncallshift")
        form = kwargs.pop("form", None) or (ShiftForm(initial=_initial(self.request, now)) if may_cover else None)
        return super().get_context_data(
            schedules=[_now_of(schedule, now) for schedule in schedules],
            days=_days(schedules, start, now),
            problems=readiness.problems(now=now),
            form=form if may_cover else None,
            shifts=OnCallShift.objects.filter(ends_at__gt=now)
            .select_related("schedule", "person")
            .order_by("starts_at", "pk")[:_UPCOMING],
            may_remove=user.has_perm("alerts.delete_oncallshift"),
            may_change=user.has_perm("alerts.change_oncallschedule"),
            may_add=user.has_perm("alerts.add_oncallschedule"),
            is_reachable=ContactPoint.objects.working().filter(person=user.pk).exists(),
            zone=timezone.get_current_timezone_name(),
            **_foreseen(self.request, now),
            **kwargs,
        )


# --- Who is, and who will be ------------------------------------------------------------------------------------------


def _now_of(schedule: OnCallSchedule, now: datetime) -> dict[str, Any]:
    """Who is on call, until when, and who is next."""
    people = escalating.people_of(schedule)
    found = rotation.shifts(schedule.rotation(), schedule.overrides(), now, now + timedelta(days=_DAYS))
    current, following = found[0], found[1] if len(found) > 1 else None
    return {
        "schedule": schedule,
        "who": _who(people, current.person),
        "is_gap": current.is_gap,
        "is_override": current.is_override,
        "until": following.starts_at if following else None,
        "next": _who(people, following.person) if following else "",
        "address": calendar_feed.address_of(schedule),
    }


def _days(schedules: list[OnCallSchedule], start: datetime, now: datetime) -> list[Day]:
    """Two weeks from today, each day as long as it is in the reader's zone."""
    first = timezone.localtime(start).date()
    marks = [_midnight(first + timedelta(days=number)) for number in range(_DAYS + 1)]
    known = [(one, escalating.people_of(one), one.rotation(), one.overrides()) for one in schedules]
    found = []
    for number in range(_DAYS):
        begins_at, ends_at = marks[number], marks[number + 1]
        lines = [
            Line(
                schedule, _who(people, shift.person), shift.starts_at, shift.ends_at, shift.is_gap, shift.is_override,
                is_now=shift.starts_at <= now < shift.ends_at, cover=_cover_query(schedule, shift),
            )
            for schedule, people, turns, overrides in known
            for shift in rotation.shifts(turns, overrides, begins_at, ends_at)
        ]  # fmt: skip
        found.append(Day(first + timedelta(days=number), number == 0, lines))
    return found


def _who(people: dict[int, User], person: int | None) -> str:
    return name_of(people[person]) if person in people else "Nobody"


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_current_timezone())


def _cover_query(schedule: OnCallSchedule, shift: rotation.Shift) -> str:
    local = (timezone.localtime(one).strftime(_MOMENT) for one in (shift.starts_at, shift.ends_at))
    return urlencode(dict(zip(("from", "until"), local, strict=True)) | {"schedule": schedule.pk})


def _initial(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """What the address asks for, else the reader from the next hour on for a day."""
    hour = timezone.localtime(now).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    query = request.GET
    known = list(OnCallSchedule.objects.order_by("pk").values_list("pk", flat=True)[:2])
    return {
        "schedule": _number(query.get("schedule")) or (known[0] if len(known) == 1 else None),
        "person": request.user.pk,
        "starts_at": _moment(query.get("from")) or hour,
        "ends_at": _moment(query.get("until")) or hour + timedelta(days=1),
    }


def _moment(text: str | None) -> datetime | None:
    try:
        return parse_datetime(text or "")
    except ValueError:
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else None


# --- Who would be told ------------------------------------------------------------------------------------------------


def _foreseen(request: HttpRequest, now: datetime) -> dict[str, Any]:
    """Of an alert that fires now, with the severity and the service that the address asks for."""
    known = set(SeverityChoices.values)
    severity = request.GET.get("severity", "")
    severity = severity if severity in known else SeverityChoices.CRITICAL.value
    services = list(Service.objects.order_by("name", "pk").values_list("pk", "name")[:200])
    service = _number(request.GET.get("service"))
    labels = {"service": str(service)} if service else {}
    alert = Alert(rule=AlertRule(name="", severity=severity), severity=severity, labels=labels)
    return {
        "foreseen": escalating.foresee(alert, now=now),
        "severity": severity,
        "severities": [one for one in SeverityChoices.choices if one[0] != "debug"],
        "service": service,
        "services": services,
    }
