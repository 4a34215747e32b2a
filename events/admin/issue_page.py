"""The page of one issue: what broke, who is hurt, since when, what to do next, and the evidence for it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any
from uuid import UUID

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format

from events import issue_evidence
from events.admin.issue_triage import assignable, may_triage, page_of
from events.ingest.fingerprint import explain
from events.issue_evidence import Evidence
from events.models import Event, EventType, Issue, IssueFingerprint, IssueTransition
from events.timelines import HOUR, by_day, by_hour, hourly_counts

_EVENTS_LISTED = 10
_USERS_LISTED = 20
_TRANSITIONS_LISTED = 50
_FINGERPRINTS_LISTED = 20


@dataclass(frozen=True, slots=True)
class Window:
    """A span of the timeline chart that ends now."""

    key: str
    label: str
    hours: int

    @property
    def is_hourly(self) -> bool:
        return self.hours <= 72


WINDOWS = (
    Window("24h", "24 hours", 24),
    Window("3d", "3 days", 72),
    Window("14d", "14 days", 14 * 24),
    Window("30d", "30 days", 30 * 24),
)


def issue_view(request: HttpRequest, object_id: str, *, model_admin: "ModelAdmin[Issue]") -> HttpResponse:
    """The page. ``?event=`` shows that event instead of the latest, ``?user=`` keeps to the events of one user."""
    issue = _issue_or_404(object_id)
    if not model_admin.has_view_permission(request, issue):
        raise PermissionDenied
    if issue.merged_into is not None:
        return HttpResponseRedirect(page_of(issue.standing()))
    fingerprints = list(issue.fingerprints.order_by("-last_seen_at", "pk"))
    evidence = Evidence.of(issue, [one.pk for one in fingerprints], user_hash=request.GET.get("user", "")[:32])
    event = _event_or_404(evidence, request)
    now = timezone.now()
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": Issue._meta,  # noqa: SLF001  (Django's documented API)
        "original": issue,
        "title": issue.title,
        "media": model_admin.media,
        "issue": issue,
        "may_triage": may_triage(request),
        "people": assignable() if may_triage(request) else [],
        "entry": EventType.objects.filter(name=issue.name).first(),
        **_timeline(issue, request.GET.get("window", ""), now=now),
        **_event_context(evidence, event, request),
        "sample": issue_evidence.sample(evidence),
        "users": issue_evidence.users_hurt(Evidence.of(issue, evidence.fingerprint_ids), limit=_USERS_LISTED),
        "grouping": [_grouped_because(one) for one in fingerprints[:_FINGERPRINTS_LISTED]],
        "grouping_more": max(len(fingerprints) - _FINGERPRINTS_LISTED, 0),
        "merged": _merged_issues(issue),
        "transitions": _transitions(issue),
    }
    return TemplateResponse(request, "admin/events/issue/page.html", context)


def _issue_or_404(object_id: str) -> Issue:
    issues = Issue.objects.select_related("service", "assignee", "merged_into")
    issue = (
        issues.filter(pk=int(object_id)).first()
        if object_id.isascii() and object_id.isdigit() and len(object_id) < 19
        else None
    )
    if issue is None:
        raise Http404("There is no issue of that number.")
    return issue


# --- The event shown ---------------------------------------------------------------------------------------------


def _event_or_404(evidence: Evidence, request: HttpRequest) -> Event | None:
    """The event asked for, else the latest; None when all are past their retention."""
    asked = _uuid_or_404(request.GET.get("event", ""))
    event = issue_evidence.event_shown(evidence, asked)
    if event is None and asked is not None:
        raise Http404("This issue has no event of that id, or it is past its retention.")
    return event


def _uuid_or_404(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Http404("That is not the id of an event.") from None


def _event_context(evidence: Evidence, event: Event | None, request: HttpRequest) -> dict[str, Any]:
    before = _uuid_or_404(request.GET.get("before", ""))
    listed = issue_evidence.page_of_events(evidence, before=before, size=_EVENTS_LISTED + 1)
    return {
        "event": event,
        "neighbours": issue_evidence.neighbours(evidence, event.pk) if event else None,
        "data_text": json.dumps(event.data, indent=2, ensure_ascii=False, sort_keys=True) if event else "",
        "user_shown": evidence.user_hash,
        "listed": listed[:_EVENTS_LISTED],
        "listed_before": before,
        "listed_next": listed[_EVENTS_LISTED - 1].pk if len(listed) > _EVENTS_LISTED else None,
    }


# --- Its numbers over time ---------------------------------------------------------------------------------------


def _timeline(issue: Issue, asked: str, *, now: datetime) -> dict[str, Any]:
    """The chart of the window asked for, else of the shortest that shows the whole issue."""
    age_hours = (now - issue.first_seen_at) / HOUR
    fitting = next((window for window in WINDOWS if age_hours <= window.hours), WINDOWS[-1])
    window = next((window for window in WINDOWS if window.key == asked), fitting)
    zone = timezone.get_current_timezone()
    start = now - timedelta(hours=window.hours)
    counts = hourly_counts([issue.pk], start=start)[issue.pk]
    hourly, daily = by_hour(counts, start=start, now=now), by_day(counts, start=start, now=now, zone=zone)
    points = hourly if window.is_hourly else daily
    total = sum(count for _, count in points)
    unit = "hour" if window.is_hourly else "day"
    chart = {
        "id": "lm-issue-timeline",
        "caption": f"{total:,} {'event' if total == 1 else 'events'} in the last {window.label}, by the {unit}",
        "type": "bar",
        "labels": [_label(start, window, zone) for start, _ in points],
        "datasets": [{"label": "Events", "data": [count for _, count in points], "tone": issue.severity}],
        "y_label": "Events",
    }
    return {"chart": chart, "windows": WINDOWS, "window": window}


def _label(start: datetime, window: Window, zone: tzinfo) -> str:
    pattern = "H:i" if window.hours <= 24 else "D H:i" if window.is_hourly else "j M"
    return date_format(start.astimezone(zone), pattern)


# --- Why it is one issue -----------------------------------------------------------------------------------------


def _grouped_because(one: IssueFingerprint) -> dict[str, Any]:
    return {"fingerprint": one, "because": explain(one.parts), "parts": one.parts}


def _merged_issues(issue: Issue) -> list[Issue]:
    """The issues whose fingerprints lead here, with what each brought; any of them can be taken out again."""
    return list(
        Issue.objects.filter(home_fingerprints__issue=issue)
        .exclude(pk=issue.pk)
        .annotate(brought=Sum("home_fingerprints__event_count"))
        .order_by("-brought", "pk")
    )


def _transitions(issue: Issue) -> list[IssueTransition]:
    return list(issue.transitions.select_related("actor").order_by("-at", "-pk")[:_TRANSITIONS_LISTED])
