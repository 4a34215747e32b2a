"""The page of one alert: what, where, whom it hurts, since when, what to do next, and the evidence for it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from alerts.acting import expiry
from alerts.admin import incident_acting
from alerts.admin.alert_acting import may_act, may_look
from alerts.conditions import spoken
from alerts.models import Alert, AlertState, IncidentAlert, Notification
from alerts.outbox import wording
from alerts.outbox.muting import maintenance_of, silences_of
from alerts.outbox.told import told_of
from alerts.runbooks import writing
from events.models import Event, Issue, Service

_MINUTE = timedelta(minutes=1)
_ENTRIES, _NOTIFICATIONS, _COMPANIONS, _ISSUES = 100, 50, 20, 5


def alert_view(request: HttpRequest, object_id: str, *, model_admin: "ModelAdmin[Alert]") -> HttpResponse:
    alert = _alert_or_404(object_id)
    if not may_look(request):
        raise PermissionDenied
    now, takes = timezone.now(), wording.takes_of(alert)
    services = dict(Service.objects.values_list("pk", "name"))
    event = wording.newest_event(alert)
    counts = wording.counts_of(alert, takes, now)
    muting = [] if alert.state == AlertState.RESOLVED else silences_of(alert, at=now)
    acting = may_act(request)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": Alert._meta,  # noqa: SLF001  (Django's documented API)
        "original": alert,
        "title": wording.title_of(alert),
        "media": model_admin.media,
        "alert": alert,
        "may_act": acting,
        "where": wording.where_of(alert, services),
        "lasted": spoken(((alert.resolved_at or now) - alert.started_at).total_seconds()),
        "counts": counts,
        "growth": wording.growth_of(counts) if alert.state != AlertState.RESOLVED else "",
        "users_count": wording.users_hurt(alert, takes, now),
        "event": event,
        "example": wording.example_of(event),
        "cause": wording.likely_cause(alert, event),
        "runbook_url": writing.address_of(alert.rule.runbook),
        "runbook_html": mark_safe(writing.as_html(alert.rule.runbook)),  # noqa: S308 - made of text alone
        "entries": alert.entries.select_related("actor").order_by("-at", "-pk")[:_ENTRIES],
        "told": told_of([alert])[alert.pk],
        "messages_sent": _told(alert),
        "silences": muting,
        "maintenance": [] if alert.state == AlertState.RESOLVED else maintenance_of(alert, at=now),
        "choices": expiry.CHOICES,
        "members": [_member(one, services) for one in alert.evidence.get("members", ())],
        "suspects": alert.evidence.get("suspects", ()),
        "issues": _issues(alert, event) if request.user.has_perm("events.view_issue") else [],
        **_links(request, alert, event, now=now),
        **_incident(request, alert),
    }
    return TemplateResponse(request, "admin/alerts/alert/page.html", context)


def _incident(request: HttpRequest, alert: Alert) -> dict[str, Any]:
    """The incident that it is part of, with why, and whether this person may open one for it."""
    part = IncidentAlert.objects.filter(alert=alert).select_related("incident").first()
    return {
        "part": part if incident_acting.may_look(request) else None,
        "may_open_incident": part is None and incident_acting.may_act(request),
    }


def _alert_or_404(object_id: str) -> Alert:
    alerts = Alert.objects.select_related("rule__owner", "rule__service", "acknowledged_by")
    is_number = object_id.isascii() and object_id.isdigit() and len(object_id) < 19
    alert = alerts.filter(pk=int(object_id)).first() if is_number else None
    if alert is None:
        raise Http404("There is no alert of that number.")
    return alert


def _member(written: dict[str, Any], services: dict[int, str]) -> dict[str, Any]:
    """An endpoint of a cascade, with the events in which it failed (alerts.judging.cascading)."""
    query = {"service": written["service"], "endpoint": written["endpoint"], "severity": "errors", "window": "24h"}
    return {
        **written,
        "began_at": datetime.fromisoformat(written["began_at"]),
        "service_name": services.get(int(written["service"]), ""),
        "link": f"{reverse('admin:events_event_changelist')}?{urlencode(query)}",
    }


# --- The events and issues behind it -----------------------------------------------------------------------------


def _links(request: HttpRequest, alert: Alert, event: Event | None, *, now: datetime) -> dict[str, str]:
    """Lists of events as narrow as an address can say: what the rule matches beyond one word is left to the reader."""
    if not request.user.has_perm("events.view_event"):
        return {"events_link": "", "hour_link": "", "users_link": ""}
    words = _words(alert)
    # Users and the last hour are counted by the words of counters, which know no issues.
    counted = {word: value for word, value in words.items() if word != "issue"}
    if "issue" in words and event is not None:
        counted |= {"service": str(event.service_id), "name": event.name}
    start, end = wording.span_of(alert, now)
    first = _first_moment(alert, event)
    users_link = ""
    if request.user.has_perm("dashboards.view_analytics"):
        users = {word: value for word, value in counted.items() if word != "ai_provider"}
        users_link = f"{reverse('admin:analytics_users')}?{urlencode({**users, **_span(start, end)})}"
    address = reverse("admin:events_event_changelist")
    return {
        "events_link": f"{address}?{urlencode({**words, **_span(first, end)})}",
        "hour_link": f"{address}?{urlencode({**counted, **_span(end - wording.COUNTED, end)})}",
        "users_link": users_link,
    }


def _span(start: datetime, end: datetime) -> dict[str, str]:
    return {"window": "custom", "from": f"{start:%Y-%m-%dT%H:%MZ}", "to": f"{end:%Y-%m-%dT%H:%MZ}"}


def _first_moment(alert: Alert, event: Event | None) -> datetime:
    """An event comes before the judgement that it leads to."""
    return min(alert.started_at, event.occurred_at if event else alert.started_at) - _MINUTE


def _words(alert: Alert) -> dict[str, str]:
    rule, labels = alert.rule, alert.labels
    words = {
        word: str(labels[word])
        for word in (
            "service",
            "environment",
            "name",
            "severity",
            "endpoint",
            "release",
            "feature",
            "ai_provider",
            "issue",
        )
        if labels.get(word)
    }
    if rule.service_id is not None:
        words.setdefault("service", str(rule.service_id))
    for word, values in (("name", rule.names), ("endpoint", rule.endpoints), ("environment", rule.environments)):
        if len(values) == 1 and "*" not in values[0]:
            words.setdefault(word, values[0])
    if len(rule.severities) == 1:
        words.setdefault("severity", rule.severities[0])
    return words


def _issues(alert: Alert, event: Event | None) -> list[Issue]:
    """The issue that it is about, else unresolved ones of the same words that are seen while it lasts, the latest first."""
    issues = Issue.objects.visible().select_related("service")
    if issue := alert.labels.get("issue"):
        return list(Issue.objects.select_related("service").filter(pk=int(issue)))
    words = _words(alert)
    issues = issues.filter(last_seen_at__gte=_first_moment(alert, event))
    if "service" in words:
        issues = issues.filter(service=int(words["service"]))
    name = words.get("name") or (event.name if event and not words.get("endpoint") else "")
    if name:
        issues = issues.filter(name=name)
    elif event and event.fingerprint_id:
        issues = issues.filter(fingerprints=event.fingerprint_id)
    else:
        return []
    return list(issues.order_by("-last_seen_at", "pk")[:_ISSUES])


# --- Who was told ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Message:
    """A notification of the alert, with what was tried, and the other alerts that the same message told of."""

    notification: Notification
    companions: list[Alert] = field(default_factory=list)
    companions_count: int = 0


def _told(alert: Alert) -> list[Message]:
    """The newest first. What was tried is kept with the message that carried it."""
    rows = list(
        alert.notifications.select_related("channel", "carrier")
        .prefetch_related("attempts", "carrier__attempts")
        .order_by("-created_at", "-pk")[:_NOTIFICATIONS]
    )
    carriers = {one.carrier_id or one.pk for one in rows}
    together: dict[int, list[Alert]] = defaultdict(list)
    others = Notification.objects.filter(Q(carrier__in=carriers) | Q(pk__in=carriers), alert__isnull=False)
    for one in others.exclude(alert=alert).select_related("alert__rule").order_by("pk"):
        if one.alert is not None:
            together[one.carrier_id or one.pk].append(one.alert)
    return [_message(one, together[one.carrier_id or one.pk]) for one in rows]


def _message(notification: Notification, companions: Iterable[Alert]) -> Message:
    found = list({one.pk: one for one in companions}.values())
    return Message(notification, found[:_COMPANIONS], len(found))
