"""The overview at /admin/: a verdict in words, the numbers behind it, and what to look at first."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from dashboards.asking import read_question_mildly
from dashboards.charts import Dataset, over_time
from dashboards.pages.controls import controls_of
from dashboards.pages.endpoints import failures_link
from dashboards.pages.links import events_link, issues_link, page_link
from dashboards.pages.report_page import ReportPage
from dashboards.pages.words import counted, percent
from dashboards.reports.failure_rates import EndpointRate
from dashboards.reports.overview import Attention, IssueLine, Overview, overview, setup
from dashboards.reports.question import Question
from dashboards.reports.releases import new_releases
from dashboards.statistics import is_apart
from dashboards.templatetags.numbers import changed
from dashboards.window import PRESETS
from events.models import Issue

# An endpoint is worth a word in the verdict when at least so many of its requests fail, beyond chance and more than before.
_NOTABLE = 0.05
_WINDOWS = {"1h": "the last hour", "24h": "the last 24 hours", "7d": "the last 7 days", "30d": "the last 30 days"}


def add_overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK. Staff who may not see issues and analytics get the page without any of them."""
    now = timezone.now()
    context["setup"] = state = setup()
    context["may_see"] = may_see = request.user.has_perms(
        ("events.view_issue", "events.view_event", "dashboards.view_analytics")
    )
    if not may_see or not state.has_event:
        return context
    question, problem = read_question_mildly(request.GET.dict(), now=now, zone=timezone.get_current_timezone())
    controls = controls_of(question, problem, {}, exports=reverse("admin:analytics_overview"))
    answer = overview(question)
    words, tone = verdict(answer, question, now=now)
    all_issues = issues_link(question)
    context.update(
        controls=controls,
        report=True,
        verdict=words,
        verdict_tone=tone,
        answer=answer,
        tiles=_tiles(answer, question, all_issues),
        chart=_failures_chart(answer, question),
        issues=[(issue, controls.services.get(issue.service_id, "")) for issue in answer.attention.top],
        endpoints=[
            (
                rate,
                page_link("analytics_endpoint", question, service=rate.service_id, endpoint=rate.endpoint),
                failures_link(question, rate),
                page_link("analytics_users", question, service=rate.service_id, endpoint=rate.endpoint),
            )
            for rate in answer.endpoints
        ],
        all_issues=all_issues,
        all_endpoints=page_link("analytics_endpoints", question),
        releases=[
            (
                line,
                controls.services.get(line.service_id, ""),
                events_link(question, service=line.service_id, release=line.release, severity="failures"),
            )
            for line in answer.releases
        ],
    )
    return context


class OverviewFile(ReportPage):
    """The numbers of the overview as a file: the page itself is the admin's index."""

    title = "Overview"
    report_name = "overview"
    template_name = "admin/index.html"
    permission_required = ("dashboards.view_analytics", "events.view_issue")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.GET.get("format") not in ("csv", "json"):
            return redirect("admin:index")
        return super().get(request, *args, **kwargs)

    def told(self, answer: Overview) -> dict[str, Any]:
        return {}


def critical_badge(request: HttpRequest) -> str:
    """How many critical issues are unresolved, for the navigation; nothing when there are none or they may not be seen."""
    if not request.user.has_perm("events.view_issue"):
        return ""
    count = Issue.objects.unresolved().filter(severity="critical").count()
    return str(count) if count else ""


def verdict(answer: Overview, question: Question, *, now: datetime) -> tuple[str, str]:
    """One sentence for a person in a hurry, and its tone: "bad", "warn" or "good". No issue is told of twice."""
    attention = answer.attention
    parts = []
    if attention.critical:
        verb = "is" if attention.critical == 1 else "are"
        parts.append(f"{counted(attention.critical, 'critical issue')} {verb} unresolved")
    if attention.burning is not None:
        parts.append(_burning(attention.burning, now=now))
    if (failing := _worse(answer.endpoints)) is not None:
        failed = f"{failing.failures:,} of {max(failing.requests, failing.failures):,} requests failed"
        parts.append(
            f"{failing.endpoint} fails more than before ({failed}, {counted(failing.users_hurt, 'user')} hurt)"
        )
    if attention.regressed:
        parts.append(f"{counted(attention.regressed, 'issue')} came back after being resolved")
    if parts:
        rest = f"{counted(attention.others, 'other issue')} open" if attention.others else "everything else is normal"
        return f"{'; '.join(parts)}; {rest}.", "bad" if attention.critical else "warn"
    return _quiet(attention, failures=int(answer.failures.now), when=_when(question))


def _quiet(attention: Attention, *, failures: int, when: str) -> tuple[str, str]:
    verb = "is" if attention.unresolved == 1 else "are"
    still_open = f"{counted(attention.unresolved, 'issue')} {verb} open"
    if not failures:
        rest = f"; {still_open}" if attention.unresolved else ""
        return f"Nothing has failed in {when}{rest}.", "good"
    if attention.new_in_window:
        return f"Nothing critical; {counted(attention.new_in_window, 'new issue')} in {when}.", "warn"
    if attention.unresolved:
        return f"Nothing critical and nothing new in {when}; {still_open}.", "good"
    return f"No issue is open; {counted(failures, 'failure')} in {when} came to resolved or muted ones.", "good"


def _worse(endpoints: list[EndpointRate]) -> EndpointRate | None:
    """The worst endpoint that fails more than before, beyond chance; None when none does."""
    worse = (
        one
        for one in endpoints
        if one.rate.low >= _NOTABLE and is_apart(one.rate, one.rate_before) and one.rate.low > one.rate_before.high
    )
    return next(worse, None)


def _burning(issue: IssueLine, *, now: datetime) -> str:
    since = _clock(issue.first_seen_at, now=now)
    if issue.user_count:
        return f"{issue.name} has hurt {counted(issue.user_count, 'user')} since {since}"
    return f"{issue.name} has gone on since {since}"


def _when(question: Question) -> str:
    return _WINDOWS.get(question.window.name, "this window")


def _clock(at: datetime, *, now: datetime) -> str:
    local = timezone.localtime(at)
    is_today = local.date() == timezone.localtime(now).date()
    return date_format(local, "H:i") if is_today else date_format(local, "j M, H:i")


def _tiles(answer: Overview, question: Question, all_issues: str) -> list[dict[str, Any]]:
    attention = answer.attention
    of_active = counted(int(answer.users_active.now), "active user")
    return [
        {"label": "Failures", "value": answer.failures.now, "note": f"{changed(answer.failures)} against the time before",
         "link": events_link(question, severity="failures")},
        {"label": "Users hurt", "value": answer.users_hurt.now, "note": f"of {of_active}; {changed(answer.users_hurt)}",
         "link": page_link("analytics_users", question)},
        {"label": "Failed requests", "value": percent(answer.requests.share),
         "note": f"{answer.requests.count:,} of {answer.requests.total:,}; before {percent(answer.requests_before.share)}",
         "link": page_link("analytics_endpoints", question)},
        {"label": "Unresolved issues", "value": attention.unresolved,
         "note": f"{attention.new_in_window:,} first seen in this window", "link": all_issues},
        {"label": "Events", "value": answer.events.now, "note": f"{changed(answer.events)} against the time before",
         "link": events_link(question)},
    ]  # fmt: skip


def _failures_chart(answer: Overview, question: Question) -> dict[str, Any]:
    steps = answer.failures_over_time
    when = _WINDOWS[question.window.name] if question.window.name in PRESETS else "this window"
    return over_time(
        "lm-failures",
        f"Failures in {when}: {int(answer.failures.now):,}",
        question,
        [
            Dataset("Critical", "critical", [step.critical for step in steps]),
            Dataset("Error", "error", [step.error for step in steps]),
            Dataset("Warning", "warning", [step.warning for step in steps]),
        ],
        y_label="failures",
        releases=new_releases(question),
    )
