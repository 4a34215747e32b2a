"""The page of one incident: what is wrong for users, who looks after it, what can be done next, and all that was seen and done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from alerts.admin import audit
from alerts.admin.incident_acting import may_act, may_look, page_of
from alerts.admin.incident_report_page import may_read
from alerts.conditions import spoken
from alerts.incidents import timeline
from alerts.incidents.impact import Impact, impact_of, users_hurt
from alerts.incidents.states import Move, moves_from
from alerts.incidents.timeline import TimelineError
from alerts.models import Alert, Incident, IncidentEntry, IncidentEntryKind, IncidentReport, IncidentSeverity
from alerts.outbox import wording
from alerts.runbooks import writing
from events.admin.issue_triage import assignable
from events.keyset import Place, read_page
from events.models import Service

_ENTRIES, _CANDIDATES, _USERS = 100, 50, 200
# Each move: its button, and what it says.
_BUTTONS = {
    Move.ACKNOWLEDGE: ("Acknowledge", "I am on it: nobody is paged of it again."),
    Move.MITIGATE: ("Mitigated", "Users are no longer hurt; the cause may still be there."),
    Move.RESOLVE: ("Resolve", "It is over."),
    Move.CLOSE: ("Close", "All that had to be done after it is done."),
    Move.REOPEN: ("Open again", "It is not over."),
}
_ICONS = {
    IncidentEntryKind.OPENED: "emergency_home", IncidentEntryKind.STATE: "swap_horiz", IncidentEntryKind.ALERT: "notifications",
    IncidentEntryKind.ISSUE: "bug_report", IncidentEntryKind.NOTIFICATION: "outbox", IncidentEntryKind.RELEASE: "rocket_launch",
    IncidentEntryKind.DIAGNOSTIC: "troubleshoot", IncidentEntryKind.MITIGATION: "healing", IncidentEntryKind.STATUS: "campaign",
    IncidentEntryKind.STEP: "checklist", IncidentEntryKind.ROLE: "person", IncidentEntryKind.SEVERITY: "speed",
    IncidentEntryKind.FOLLOW_UP: "task_alt", IncidentEntryKind.REPORT: "summarize", IncidentEntryKind.NOTE: "edit_note",
}  # fmt: skip
# Parts with addresses of their own, which answer a fragment to htmx: title, address, who may look at it (any of these), and
# whether it is long, and asked for when it is opened.
_LOOKERS = ("alerts.view_incident", "alerts.change_incident")
_PARTS = (
    ("Runbook", "incident_steps", _LOOKERS, False),
    ("Diagnostics", "incident_diagnostics", ("alerts.view_diagnosticrun",), True),
    ("Status page", "incident_status", ("alerts.view_statusupdate", "alerts.add_statusupdate"), False),
    ("Email users", "incident_audience", ("alerts.add_statusupdate",), True),
    ("Follow-ups", "incident_follow_ups", _LOOKERS, False),
)


def incident_view(request: HttpRequest, object_id: str, *, model_admin: "ModelAdmin[Incident]") -> HttpResponse:
    if not may_look(request):
        raise PermissionDenied
    is_number = object_id.isascii() and object_id.isdigit() and len(object_id) < 19
    incident = _incident_or_404(int(object_id) if is_number else 0)
    acting = may_act(request)
    members = list(incident.memberships.select_related("alert__rule").order_by("joined_at", "pk"))
    alerts = [one.alert for one in members]
    services = dict(Service.objects.values_list("pk", "name"))
    context = {
        **_page(request, model_admin, incident),
        **_head(request, incident, alerts, now=timezone.now()),
        **_timeline(request, incident),
        "members": [(one, wording.title_of(one.alert), wording.where_of(one.alert, services)) for one in members],
        "issues": _issues(incident) if request.user.has_perm("events.view_issue") else [],
        "impacts": incident.impacts.select_related("component").order_by("ended_at", "-level", "component__name"),
        "parts": _parts(request, incident),
        "report": _report(request, incident),
        "people": assignable() if acting else [],
        "severities": IncidentSeverity.choices,
        "candidates": _candidates(incident) if acting else [],
    }
    return TemplateResponse(request, "admin/alerts/incident/page.html", context)


def _incident_or_404(number: int) -> Incident:
    rows = Incident.objects.select_related("service", "rule", "commander", "communications_lead", "opened_by")
    found = rows.filter(pk=number).first()
    if found is None:
        raise Http404("There is no incident of that number.")
    return found


def _page(request: HttpRequest, model_admin: "ModelAdmin[Incident]", incident: Incident) -> dict[str, Any]:
    return {
        **model_admin.admin_site.each_context(request),
        "opts": Incident._meta,  # noqa: SLF001  (Django's documented API)
        "original": incident,
        "title": f"Incident #{incident.pk}",
        "media": model_admin.media,
        "incident": incident,
        "may_act": may_act(request),
    }


# --- What is wrong, and what can be done next: asked for anew while it goes on -----------------------------------------


def live_view(request: HttpRequest, incident_id: int, *, model_admin: "ModelAdmin[Incident]") -> HttpResponse:
    """The head of the page: to htmx by itself, else the page."""
    if not may_look(request):
        raise PermissionDenied
    if not request.headers.get("HX-Request"):
        return HttpResponseRedirect(page_of(incident_id))
    incident = _incident_or_404(incident_id)
    alerts = list(incident.alerts.select_related("rule"))
    context = {"may_act": may_act(request), **_head(request, incident, alerts, now=timezone.now())}
    headers = {"Cache-Control": "no-store"}
    return TemplateResponse(request, "admin/alerts/incident/_head.html", context, headers=headers)


def _head(request: HttpRequest, incident: Incident, alerts: list[Alert], *, now: datetime) -> dict[str, Any]:
    impact = impact_of(incident, alerts, now=now)
    return {
        "incident": incident,
        "page": page_of(incident.pk),
        "severity_name": IncidentSeverity(incident.severity).name,
        "moves": [(move.value, *_BUTTONS[move]) for move in moves_from(incident.state)],
        "impact": impact,
        "places": _places(request, incident, impact, now),
        "hurt_for": spoken(((incident.ended_at or now) - incident.started_at).total_seconds()),
        "acknowledged_after": after(incident, incident.acknowledged_at),
        "resolved_after": after(incident, incident.resolved_at),
        "firing_count": sum(alert.state == "firing" for alert in alerts),
        "now": now,
    }


def after(incident: Incident, reached_at: datetime | None) -> str:
    """“4 minutes”: from when it was opened until then; "" for not yet."""
    if reached_at is None:
        return ""
    return spoken(max((reached_at - incident.opened_at).total_seconds(), 0)) or "at once"


def _places(request: HttpRequest, incident: Incident, impact: Impact, now: datetime) -> list[tuple[str, int, str]]:
    """Endpoints that failed, how many requests, and their page of that time."""
    if not request.user.has_perm("dashboards.view_analytics"):
        return [(place, count, "") for place, count in impact.endpoints]
    query = _window(incident, now)
    if incident.service_id:
        query["service"] = str(incident.service_id)
    address = reverse("admin:analytics_endpoint")
    return [(place, count, f"{address}?{urlencode({**query, 'endpoint': place})}") for place, count in impact.endpoints]


def _window(incident: Incident, now: datetime) -> dict[str, str]:
    """The incident's time as analytics pages read it."""
    end = incident.ended_at or now
    return {"window": "custom", "from": f"{incident.started_at:%Y-%m-%dT%H:%MZ}", "to": f"{end:%Y-%m-%dT%H:%MZ}"}


def users_view(request: HttpRequest, incident_id: int, *, model_admin: "ModelAdmin[Incident]") -> HttpResponse:
    """The rows behind the number: who was hurt, by their hashes."""
    if not may_look(request):
        raise PermissionDenied
    incident, now = _incident_or_404(incident_id), timezone.now()
    found = users_hurt(incident, list(incident.alerts.select_related("rule")), now=now)
    link = ""
    if request.user.has_perms(("dashboards.view_analytics", "events.view_event")):
        span = {
            "window": "custom",
            "from": f"{incident.started_at:%Y-%m-%dT%H:%MZ}",
            "to": f"{incident.ended_at or now:%Y-%m-%dT%H:%MZ}",
        }
        link = f"{reverse('admin:analytics_user')}?{urlencode(span)}&user="
    context = {
        **_page(request, model_admin, incident), "users": found[:_USERS], "users_count": len(found), "link": link,
        "title": f"Users hurt by incident #{incident.pk}",
    }  # fmt: skip
    return TemplateResponse(request, "admin/alerts/incident/users.html", context)


# --- The timeline -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as it is shown; ``html`` is that of a note."""

    entry: IncidentEntry
    icon: str
    html: SafeString | None
    versions_count: int


def timeline_view(request: HttpRequest, incident_id: int, *, model_admin: "ModelAdmin[Incident]") -> HttpResponse:
    """``?show=notes`` leaves out what Liftmon wrote, ``?before=`` goes on where a page ended. A page, and a fragment to htmx."""
    if not may_look(request):
        raise PermissionDenied
    incident = _incident_or_404(incident_id)
    if request.headers.get("HX-Request"):
        context = {"incident": incident, "may_act": may_act(request), **_timeline(request, incident)}
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(request, "admin/alerts/incident/_entries.html", context, headers=headers)
    context = {**_page(request, model_admin, incident), **_timeline(request, incident)}
    context["title"] = f"Timeline of incident #{incident.pk}"
    return TemplateResponse(request, "admin/alerts/incident/timeline.html", context)


def _timeline(request: HttpRequest, incident: Incident) -> dict[str, Any]:
    only_notes = request.GET.get("show") == "notes"
    before = _place(request.GET.get("before", ""))
    page = read_page(_entries(incident, only_notes=only_notes), order=("-at", "-id"), place=before, size=_ENTRIES)
    address = reverse("admin:alerts_incident_timeline", args=[incident.pk])
    show = {"show": "notes"} if only_notes else {}
    older = ""
    if page.following is not None:
        at, pk = page.following.key
        older = f"{address}?{urlencode({**show, 'before': f'{at.isoformat()}_{pk}'})}"
    return {
        "lines": [_line(one) for one in page.rows],
        "only_notes": only_notes,
        "is_continued": before is not None,
        "older": older,
        "timeline_address": f"{address}?{urlencode(show)}" if show else address,
    }


def _entries(incident: Incident, *, only_notes: bool) -> QuerySet[IncidentEntry]:
    rows = incident.entries.select_related("actor", "alert").annotate(versions_count=Count("versions"))
    return rows.filter(kind=IncidentEntryKind.NOTE) if only_notes else rows


def _place(text: str) -> Place | None:
    at, _, number = text.rpartition("_")
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    if timezone.is_naive(found) or not (number.isascii() and number.isdecimal() and len(number) < 19):
        return None
    return Place((found, int(number)))


def _line(entry: Any) -> Line:
    is_note = entry.kind == IncidentEntryKind.NOTE
    html = mark_safe(writing.as_html(entry.text)) if is_note else None  # noqa: S308 - made of text alone
    return Line(entry, _ICONS[IncidentEntryKind(entry.kind)], html, entry.versions_count)


def edit_note_view(
    request: HttpRequest, incident_id: int, entry_id: int, *, model_admin: "ModelAdmin[Incident]"
) -> HttpResponse:
    """GET shows a note with what it said before, POST edits it: nobody overwrites what somebody else wrote meanwhile."""
    if not may_look(request):
        raise PermissionDenied
    incident = _incident_or_404(incident_id)
    notes = IncidentEntry.objects.select_related("actor").filter(incident=incident, kind=IncidentEntryKind.NOTE)
    entry = get_object_or_404(notes, pk=entry_id)
    text, problem = entry.text, ""
    if request.method == "POST":
        if not may_act(request):
            raise PermissionDenied
        text = request.POST.get("text", "")
        seen = request.POST.get("seen", "")
        try:
            timeline.edit_note(entry.pk, by=audit.actor(request), at=timezone.now(), text=text, seen=seen)
        except TimelineError as error:
            problem = str(error)
        else:
            audit.note(request, incident, "Edited a note of the timeline.")
            messages.success(request, "The note is edited; what it said before is kept.")
            return HttpResponseRedirect(f"{page_of(incident.pk)}#entry-{entry.pk}")
    versions = entry.versions.select_related("replaced_by").order_by("-replaced_at", "-pk")
    context = {
        **_page(request, model_admin, incident),
        "title": f"Note of incident #{incident.pk}",
        "entry": entry,
        "text": text,
        "problem": problem,
        "html": mark_safe(writing.as_html(entry.text)),  # noqa: S308 - made of text alone
        "versions": [(one, mark_safe(writing.as_html(one.text))) for one in versions],  # noqa: S308
    }
    return TemplateResponse(request, "admin/alerts/incident/note.html", context, status=409 if problem else 200)


# --- What belongs to it -----------------------------------------------------------------------------------------------


def _issues(incident: Incident) -> list[Any]:
    links = incident.issue_links.select_related("issue__service").order_by("joined_at", "pk")
    return [link.issue for link in links]


def _report(request: HttpRequest, incident: Incident) -> IncidentReport | None:
    report = IncidentReport.objects.filter(incident=incident).only("state", "title", "incident").first()
    return report if report is not None and may_read(request, report) else None


def _candidates(incident: Incident) -> list[tuple[int, str]]:
    """Open alerts that might belong to it, the newest first."""
    rows = (
        Alert.objects.open()
        .exclude(membership__incident=incident)
        .select_related("rule")
        .order_by("-started_at", "-pk")
    )
    return [(one.pk, f"#{one.pk} {wording.title_of(one)}") for one in rows[:_CANDIDATES]]


def _parts(request: HttpRequest, incident: Incident) -> list[tuple[str, str, bool]]:
    """Title, address and whether it is long, of each part that this person may look at."""
    return [
        (title, reverse(f"admin:{name}", args=[incident.pk]), is_long)
        for title, name, rights, is_long in _PARTS
        if any(request.user.has_perm(right) for right in rights)
    ]
