"""What a person does to an incident from its page: each a POST that makes one domain call and goes back.

Whoever comes second is told who was first. What was done is in the timeline, by the domain, and in the admin's log.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from alerts.admin import audit
from alerts.admin.alert_acting import back
from alerts.admin.incident_filters import number_of
from alerts.incidents import handling, opening, parting, timeline
from alerts.incidents.handling import HandlingError, Role
from alerts.incidents.moving import Moved
from alerts.incidents.parting import PartingError
from alerts.incidents.states import Move
from alerts.incidents.timeline import TimelineError
from alerts.models import Alert, Incident, IncidentSeverity
from alerts.models.on_call import name_of
from alerts.outbox import wording
from events.admin.issue_triage import assignable
from events.models import Issue

_MOVES: Mapping[Move, Callable[..., Moved]] = {
    Move.ACKNOWLEDGE: handling.acknowledge,
    Move.MITIGATE: handling.mitigate,
    Move.RESOLVE: handling.resolve,
    Move.CLOSE: handling.close,
    Move.REOPEN: handling.reopen,
}


class ActError(Exception):
    """What was asked for cannot be done, or nothing changed; the text says why, for people."""


def may_act(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.change_incident")


def may_look(request: HttpRequest) -> bool:
    return request.user.has_perm("alerts.view_incident") or may_act(request)


def page_of(incident_id: int) -> str:
    return reverse("admin:alerts_incident_change", args=[incident_id])


def acting(verb: Callable[..., str]) -> Callable[..., HttpResponse]:
    """POST only, for those who may act. What ``verb`` answers is told and logged, and the page before comes next."""

    @wraps(verb)
    def view(request: HttpRequest, incident_id: int, *, model_admin: object = None, **named: object) -> HttpResponse:
        if not may_act(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        incident = get_object_or_404(Incident, pk=incident_id)
        try:
            told = verb(request, incident, **named)
        except (ActError, HandlingError, PartingError, TimelineError) as error:
            messages.warning(request, str(error))
        else:
            audit.note(request, incident, told)
            messages.success(request, told)
        return HttpResponseRedirect(back(request, page_of(incident.pk)))

    return view


@acting
def move_view(request: HttpRequest, incident: Incident, move: str) -> str:
    if move not in _MOVES:
        raise Http404("There is no such move.")
    moved = _MOVES[Move(move)](incident.pk, by=audit.actor(request), at=timezone.now())
    if not moved.is_done:
        raise ActError(moved.told)
    return moved.told


# --- Who does what, and what it is ------------------------------------------------------------------------------------


@acting
def command_view(request: HttpRequest, incident: Incident) -> str:
    me = audit.actor(request)
    if not handling.set_role(incident.pk, Role.COMMANDER, me, by=me, at=timezone.now()):
        raise ActError("You command already; nothing changed.")
    return "You command: who looks for the one who decides finds you."


@acting
def role_view(request: HttpRequest, incident: Incident, role: str) -> str:
    if role not in Role:
        raise Http404("There is no such role.")
    person = _person(request.POST.get("person", ""))
    if not handling.set_role(incident.pk, Role(role), person, by=audit.actor(request), at=timezone.now()):
        raise ActError("It is so already; nothing changed.")
    does = "commands" if role == Role.COMMANDER else "tells users"
    return f"{name_of(person) if person else 'Nobody'} {does}."


def _person(number: str) -> User | None:
    if not number:
        return None
    found = next((one for one in assignable() if str(one.pk) == number), None)
    if found is None:
        raise ActError("Choose somebody who may sign in here.")
    return found


@acting
def severity_view(request: HttpRequest, incident: Incident) -> str:
    severity = number_of(request.POST.get("severity")) or 0
    why = " ".join(request.POST.get("why", "").replace("\x00", "").split())[:500]
    if not handling.set_severity(incident.pk, severity, by=audit.actor(request), at=timezone.now(), why=why):
        raise ActError(f"It is {IncidentSeverity(severity).name} already; nothing changed.")
    return f"It is {IncidentSeverity(severity).label}."


@acting
def describe_view(request: HttpRequest, incident: Incident) -> str:
    started_at = _time(request.POST.get("started_at", ""), incident.started_at)
    if started_at is None:
        raise ActError("Say when users were hurt first.")
    changed = handling.describe(
        incident.pk, title=request.POST.get("title", ""), started_at=started_at,
        ended_at=_time(request.POST.get("ended_at", ""), incident.ended_at), by=audit.actor(request), at=timezone.now(),
    )  # fmt: skip
    if not changed:
        raise ActError("It says so already; nothing changed.")
    return "Saved: what it is, and when users were hurt."


def _time(text: str, kept: datetime | None) -> datetime | None:
    """On the reader's clock, to the minute; what was not touched keeps its seconds."""
    if not text:
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ActError(f"{text[:40]} is no time. Write it as 2026-03-04T12:30.")
    typed = timezone.make_aware(found) if timezone.is_naive(found) else found
    return kept if kept is not None and typed == kept.replace(second=0, microsecond=0) else typed


# --- The timeline -----------------------------------------------------------------------------------------------------


@acting
def note_view(request: HttpRequest, incident: Incident) -> str:
    timeline.note(incident.pk, by=audit.actor(request), at=timezone.now(), text=request.POST.get("text", ""))
    return "The note is in the timeline."


# --- What belongs to it -----------------------------------------------------------------------------------------------


@acting
def add_alert_view(request: HttpRequest, incident: Incident) -> str:
    number = number_of(request.POST.get("number") or request.POST.get("alert"))
    alert = Alert.objects.select_related("rule").filter(pk=number).first() if number else None
    if alert is None:
        raise ActError("Choose an alert, or write its number as it stands on its page.")
    if not opening.add_alert(incident, alert, by=audit.actor(request), at=timezone.now()):
        raise ActError("It is part of this incident already; nothing changed.")
    return f"Added: {wording.title_of(alert)}."


@acting
def remove_alert_view(request: HttpRequest, incident: Incident, alert_id: int) -> str:
    alert = parting.remove_alert(incident.pk, alert_id, by=audit.actor(request), at=timezone.now())
    return f"Taken out: {wording.title_of(alert)}."


@acting
def move_out_view(request: HttpRequest, incident: Incident, alert_id: int) -> str:
    apart = parting.move_out(incident.pk, alert_id, by=audit.actor(request), at=timezone.now())
    return f"It goes on as incident #{apart.pk}: {apart.title}."


@acting
def add_issue_view(request: HttpRequest, incident: Incident) -> str:
    number = number_of(request.POST.get("number"))
    issue = Issue.objects.filter(pk=number).first() if number else None
    if issue is None:
        raise ActError("Write the number of an issue as it stands on its page.")
    if not opening.add_issue(incident, issue, by=audit.actor(request), at=timezone.now()):
        raise ActError("It is part of this incident already; nothing changed.")
    return f"Added: issue {issue.pk}, {issue.title}."


@acting
def remove_issue_view(request: HttpRequest, incident: Incident, issue_id: int) -> str:
    issue = parting.remove_issue(incident.pk, issue_id, by=audit.actor(request), at=timezone.now())
    return f"Taken out: issue {issue.pk}, {issue.title}."
