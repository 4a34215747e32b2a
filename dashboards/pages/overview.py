"""The overview at /admin/: a verdict in words, the numbers behind it, and what to look at first."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from dashboards.reports import overview as report
from dashboards.reports.overview import Attention, Hour
from events.models import Issue


def add_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK. Staff who may not see issues get the page without any of them."""
    now = timezone.now()
    setup = report.setup()
    context["setup"] = setup
    context["may_see"] = may_see = request.user.has_perms(("events.view_issue", "events.view_event"))
    if not may_see or not setup.has_event:
        return context
    attention = report.attention(now=now)
    totals = report.totals(now=now)
    words, tone = verdict(attention, failures=totals.failures.now, now=now)
    context.update(
        verdict=words,
        verdict_tone=tone,
        attention=attention,
        tiles=_tiles(attention, totals, users=report.users_hurt(now=now)),
        chart=_failures_chart(report.failures_by_hour(now=now)),
    )
    return context


def critical_badge(request: HttpRequest) -> str:
    """How many critical issues are unresolved, for the navigation; nothing when there are none or they may not be seen."""
    if not request.user.has_perm("events.view_issue"):
        return ""
    count = Issue.objects.unresolved().filter(severity="critical").count()
    return str(count) if count else ""


def verdict(attention: Attention, *, failures: int, now: datetime) -> tuple[str, str]:
    """One sentence for a person in a hurry, and its tone: "bad", "warn" or "good". No issue is told of twice.

    ``failures`` are those of the last 24 hours, whatever has become of their issues.
    """
    parts = []
    if attention.critical:
        verb = "is" if attention.critical == 1 else "are"
        parts.append(f"{_count(attention.critical, 'critical issue')} {verb} unresolved")
    if attention.burning is not None:
        parts.append(_burning(attention.burning, now=now))
    if attention.regressed:
        parts.append(f"{_count(attention.regressed, 'issue')} came back after being resolved")
    if parts:
        rest = f"{_count(attention.others, 'other issue')} open" if attention.others else "everything else is normal"
        return f"{'; '.join(parts)}; {rest}.", "bad" if attention.critical else "warn"
    verb = "is" if attention.unresolved == 1 else "are"
    still_open = f"{_count(attention.unresolved, 'issue')} {verb} open"
    if not failures:
        rest = f"; {still_open}" if attention.unresolved else ""
        return f"Nothing has failed in the last 24 hours{rest}.", "good"
    if attention.new_today:
        return f"Nothing critical; {_count(attention.new_today, 'new issue')} in the last 24 hours.", "warn"
    if attention.unresolved:
        return f"Nothing critical and nothing new in the last 24 hours; {still_open}.", "good"
    return (
        f"No issue is open; {_count(failures, 'failure')} in the last 24 hours came to resolved or muted ones.",
        "good",
    )


def _burning(issue: Issue, *, now: datetime) -> str:
    since = _clock(issue.first_seen_at, now=now)
    if issue.user_count:
        return f"{issue.name} has hurt {_count(issue.user_count, 'user')} since {since}"
    return f"{issue.name} has gone on since {since}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _clock(at: datetime, *, now: datetime) -> str:
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localtime(now).date()
    return date_format(local, "H:i") if is_today else date_format(local, "j M, H:i")


def _tiles(attention: Attention, totals: report.Totals, *, users: int) -> list[dict[str, Any]]:
    events, issues = reverse("admin:events_event_changelist"), reverse("admin:events_issue_changelist")
    return [
        {"label": "Failures in 24 h", "value": totals.failures.now, "note": totals.failures.change,
         "link": f"{events}?severity=failures"},
        {"label": "Users hurt in 24 h", "value": users, "note": "met at least one failure",
         "link": f"{issues}?status=all&seen=24h"},
        {"label": "Unresolved issues", "value": attention.unresolved, "note": f"{attention.new_today} first seen in 24 h",
         "link": issues},
        {"label": "Events in 24 h", "value": totals.events.now, "note": totals.events.change, "link": events},
    ]  # fmt: skip


def _failures_chart(hours: list[Hour]) -> dict[str, Any]:
    total = sum(hour.critical + hour.error + hour.warning for hour in hours)
    return {
        "id": "lm-failures",
        "caption": f"Failures by hour, the last 24 hours: {total:,}",
        "type": "bar",
        "labels": [date_format(timezone.localtime(hour.start), "H:i") for hour in hours],
        "datasets": [
            {"label": "Critical", "tone": "critical", "data": [hour.critical for hour in hours]},
            {"label": "Error", "tone": "error", "data": [hour.error for hour in hours]},
            {"label": "Warning", "tone": "warning", "data": [hour.warning for hour in hours]},
        ],
        "y_label": "failures",
    }
