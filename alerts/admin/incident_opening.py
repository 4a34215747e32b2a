"""Somebody opens an incident: by hand, from an alert or from an issue."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from alerts.admin import audit
from alerts.admin.alert_acting import back
from alerts.admin.incident_acting import may_act, page_of
from alerts.incidents import opening
from alerts.incidents.opening import OpeningError
from alerts.incidents.timeline import Person
from alerts.models import Incident, IncidentSeverity
from events.models import Service

type Open = Callable[..., Incident]


class OpenForm(forms.Form):
    title = forms.CharField(
        label="What is wrong?", max_length=200,
        widget=forms.TextInput(attrs={"class": "lm-input", "placeholder": "Nobody can pay", "autofocus": True}),
    )  # fmt: skip
    severity = forms.TypedChoiceField(
        label="How bad is it?", choices=IncidentSeverity.choices, coerce=int, initial=IncidentSeverity.SEV2,
        widget=forms.RadioSelect,
    )  # fmt: skip
    service = forms.ModelChoiceField(
        Service.objects.order_by("name", "pk"), label="Service", required=False, empty_label="Several, or not known yet",
        widget=forms.Select(attrs={"class": "lm-input"}),
    )  # fmt: skip
    environment = forms.CharField(
        label="Environment", max_length=64, required=False,
        widget=forms.TextInput(attrs={"class": "lm-input", "placeholder": "production"}),
    )  # fmt: skip


def open_view(request: HttpRequest, *, model_admin: "ModelAdmin[Incident]") -> HttpResponse:
    if not may_act(request):
        raise PermissionDenied
    form = OpenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            incident = opening.open_by_hand(**form.cleaned_data, by=audit.actor(request), at=timezone.now())
        except OpeningError as error:
            form.add_error("title", str(error))
        else:
            return _opened(request, incident)
    context: dict[str, Any] = {
        **model_admin.admin_site.each_context(request),
        "opts": Incident._meta,  # noqa: SLF001  (Django's documented API)
        "title": "Open an incident",
        "media": model_admin.media,
        "form": form,
    }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/alerts/incident/open.html", context, status=status)


def from_alert_view(request: HttpRequest, alert_id: int, **_: object) -> HttpResponse:
    return _open_from(request, opening.open_from_alert, alert_id)


def from_issue_view(request: HttpRequest, issue_id: int, **_: object) -> HttpResponse:
    return _open_from(request, opening.open_from_issue, issue_id)


def _open_from(request: HttpRequest, open_from: Open, number: int) -> HttpResponse:
    """POST only. The incident that is there already is gone to as well: somebody was quicker."""
    if not may_act(request):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    now, by = timezone.now(), audit.actor(request)
    try:
        incident = open_from(number, by=by, at=now)
    except OpeningError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(back(request, reverse("admin:alerts_incident_changelist")))
    if not _is_new(incident, by, now):
        messages.info(request, f"There is an incident about it already: {incident}.")
        return HttpResponseRedirect(page_of(incident.pk))
    return _opened(request, incident)


def _is_new(incident: Incident, by: Person, now: object) -> bool:
    return incident.opened_by == by and incident.opened_at == now


def _opened(request: HttpRequest, incident: Incident) -> HttpResponse:
    told = f"Opened as {IncidentSeverity(incident.severity).name}: {incident.title}"
    audit.note(request, incident, told)
    messages.success(request, f"{told}. Next: acknowledge it and take command.")
    return HttpResponseRedirect(page_of(incident.pk))
