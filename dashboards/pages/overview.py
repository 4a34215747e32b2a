"""The overview at /admin/: a verdict in words, the numbers behind it, and what to look at first."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from dashboards.asking import read_question_mildly, words_of
from dashboards.charts import Dataset, Lasted, over_time
from dashboards.pages.controls import controls_of
from dashboards.pages.endpoints import failures_link
from dashboards.pages.firing import firing_now
from dashboards.pages.incidents_shown import incidents_shown
from dashboards.pages.links import events_link, issues_link, page_link
from dashboards.pages.ongoing import ongoing_now
from dashboards.pages.report_page import ReportPage
from dashboards.pages.words import counted, failed_of, joined, percent
from dashboards.reports.failure_rates import EndpointRate
from dashboards.reports.overview import Attention, IssueLine, Overview, overview, setup
from dashboards.reports.question import Question
from dashboards.reports.releases import new_releases
from dashboards.statistics import is_apart, is_more
from dashboards.templatetags.numbers import against_before, changed
from dashboards.window import PRESETS
from events import formats
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
    if state.has_event:
        context.update(firing=(firing := firing_now(request)), here=request.get_full_path())
        context.update(ongoing=(ongoing := ongoing_now(request)))
    if not may_see or not state.has_event:
        return context
    query = words_of(request.GET.lists())
    question, problem = read_question_mildly(query, now=now, zone=timezone.get_current_timezone())
    controls = controls_of(question, problem, {}, query=query, exports=reverse("admin:analytics_overview"))
    answer = overview(question)
    words, tone = verdict(answer, question, now=now)
    all_issues = issues_link(question)
    tiles = _tiles(answer, question, all_issues)
    if firing:
        words, tone = firing.with_verdict(words, tone)
        tiles.insert(0, firing.tile)
    if ongoing:
        words, tone = ongoing.with_verdict(words, tone)
        tiles.insert(0, ongoing.tile)
    context.update(
        controls=controls,
        report=True,
        verdict=words,
        verdict_tone=tone,
        answer=answer,
        scope=_scope(question),
        all_issues=all_issues,
        tiles=tiles,
        chart=_failures_chart(answer, question, incidents_shown(request, question)),
        issues=_issue_rows(answer, controls.services),
        endpoints=_endpoint_rows(answer, question),
        all_endpoints=page_link("analytics_endpoints", question),
        releases=_release_rows(answer, question, controls.services),
    )
    return context


def _issue_rows(answer: Overview, services: Mapping[int, str]) -> list[tuple[Any, str, str]]:
    """Each issue to look at first, its service, and its events."""
    events = reverse("admin:events_event_changelist")
    return [
        (issue, services.get(issue.service_id, ""), f"{events}?issue={issue.id}&window=all")
        for issue in answer.attention.top
    ]


def _endpoint_rows(answer: Overview, question: Question) -> list[tuple[EndpointRate, str, str, str]]:
    """Each endpoint, its page, its failures, and the users whom it hurt."""
    return [
        (
            rate,
            page_link("analytics_endpoint", question, service=rate.service_id, endpoint=rate.endpoint),
            failures_link(question, rate),
            page_link("analytics_users", question, service=rate.service_id, endpoint=rate.endpoint),
        )
        for rate in answer.endpoints
    ]


def _release_rows(
    answer: Overview, question: Question, services: Mapping[int, str]
) -> list[tuple[Any, str, str, str, str]]:
    """Each release, its service, its events, its failures, and the users whom it hurt."""
    return [
        (
            line,
            services.get(line.service_id, ""),
            events_link(question, service=line.service_id, release=line.release),
            events_link(question, service=line.service_id, release=line.release, severity="failures"),
            page_link("analytics_users", question, service=line.service_id, release=line.release),
        )
        for line in answer.releases
    ]


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


def verdict(answer: Overview, question: Question, *, now: datetime, when: str = "") -> tuple[str, str]:
    """What a person in a hurry must know, and its tone: "bad", "warn" or "good". No issue is told of twice.

    Issues are those of now, whatever the window and the filters, and it says so. ``when`` are words for the window: of a text
    that is read by its first words, as in a list of mails, and so begins with what is the matter.
    """
    attention, is_listed = answer.attention, bool(when)
    when, scope = when or _when(question), _scope(question)
    parts = []
    if attention.critical:
        verb = "is" if attention.critical == 1 else "are"
        parts.append(f"{counted(attention.critical, 'critical issue')} {verb} unresolved")
    if attention.burning is not None:
        parts.append(_burning(attention.burning, now=now))
    if attention.regressed:
        parts.append(f"{counted(attention.regressed, 'issue')} came back after being resolved")
    failing = _failing(answer, when=when)
    if not parts and not failing:
        return _quiet(attention, failures=int(answer.failures.now), when=when, scope=scope, is_listed=is_listed)
    words = []
    if parts:
        rest = f"{counted(attention.others, 'other issue')} open" if attention.others else "no other issue is open"
        words.append(_now(f"{'; '.join(parts)}; {rest}", scope, is_listed=is_listed))
    if failing:
        words.append(failing)
    elif not answer.failures.now:
        words.append(f"Nothing failed in {when}.")
    if not parts:
        words.append(_now(_still_open(attention), scope, is_listed=is_listed))
    return " ".join(words), "bad" if attention.critical else "warn"


def _now(words: str, scope: str, *, is_listed: bool) -> str:
    """“Now in all environments: no issue is open.”; listed: “No issue is open (in all environments).”"""
    if not is_listed:
        return f"Now{scope}: {words}."
    return f"{words[:1].upper()}{words[1:]}{f' ({scope.strip()})' if scope else ''}."


def _scope(question: Question) -> str:
    """Of the filters, those that issues do not know: they have neither an environment nor a release."""
    filters = question.filters
    unknown = [word for word, value in (("environments", filters.environments), ("releases", filters.release)) if value]
    return f" in all {joined(unknown)}" if unknown else ""


def _failing(answer: Overview, *, when: str) -> str:
    failing = _worse(answer.endpoints)
    if failing is None:
        return ""
    failed = failed_of(failing.failures, failing.requests)
    hurt = counted(failing.users_hurt, "user")
    return f"In {when} {failing.endpoint} failed more than before ({failed}, {hurt} hurt)."


def _still_open(attention: Attention) -> str:
    if not attention.unresolved:
        return "no issue is open"
    return f"{counted(attention.unresolved, 'issue')} {'is' if attention.unresolved == 1 else 'are'} open"


def _quiet(attention: Attention, *, failures: int, when: str, scope: str, is_listed: bool) -> tuple[str, str]:
    if not failures:
        return f"Nothing failed in {when}. {_now(_still_open(attention), scope, is_listed=is_listed)}", "good"
    if attention.new_in_window:
        new = counted(attention.new_in_window, "issue")
        return _now(f"nothing critical is open; {new} new in {when}", scope, is_listed=is_listed), "warn"
    if attention.unresolved:
        words = f"nothing critical; {_still_open(attention)}, none of them new in {when}"
        return _now(words, scope, is_listed=is_listed), "good"
    return f"No issue is open; {counted(failures, 'failure')} in {when} came to resolved or muted ones.", "good"


def _worse(endpoints: list[EndpointRate]) -> EndpointRate | None:
    """The worst endpoint that fails more than before, beyond chance; None when none does."""
    return next((one for one in endpoints if _is_worse(one)), None)


def _is_worse(one: EndpointRate) -> bool:
    """By its rate; where that is not known, by how often it failed, when that hurt somebody."""
    if one.rate.share is None:
        return one.users_hurt > 0 and is_more(one.failures, int(one.change.before))
    return one.rate.low >= _NOTABLE and is_apart(one.rate, one.rate_before) and one.rate.low > one.rate_before.high


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
    return formats.hour(local) if is_today else formats.day_and_hour(local, has_year=False)


def _tiles(answer: Overview, question: Question, all_issues: str) -> list[dict[str, Any]]:
    attention = answer.attention
    of_active = counted(int(answer.users_active.now), "active user")
    return [
        {"label": "Failures", "value": answer.failures.now, "note": against_before(answer.failures),
         "link": events_link(question, severity="failures")},
        {"label": "Users hurt", "value": answer.users_hurt.now, "note": f"of {of_active}; {changed(answer.users_hurt)}",
         "link": page_link("analytics_users", question)},
        {"label": "Failed requests", "value": percent(answer.requests.share),
         "note": _of_requests(answer),
         "link": page_link("analytics_endpoints", question)},
        {"label": "Unresolved issues now", "value": attention.unresolved,
         "note": f"{formats.number(attention.new_in_window)} first seen in this window{_scope(question)}", "link": all_issues},
        {"label": "Events", "value": answer.events.now, "note": against_before(answer.events),
         "link": events_link(question)},
    ]  # fmt: skip


def _of_requests(answer: Overview) -> str:
    requests, before = answer.requests, answer.requests_before
    words = (
        f"{formats.number(requests.count)} of {formats.number(requests.total)}"
        if requests.total
        else "no request measured"
    )
    if before.total:
        words += f"; before {percent(before.share)}"
    if answer.failures_unmeasured:
        words += f"; {counted(answer.failures_unmeasured, 'failure')} where requests are not all measured"
    return words


def _failures_chart(answer: Overview, question: Question, incidents: Sequence[Lasted]) -> dict[str, Any]:
    steps = answer.failures_over_time
    when = _WINDOWS[question.window.name] if question.window.name in PRESETS else "this window"
    return over_time(
        "lm-failures",
        f"Failures in {when}: {formats.number(int(answer.failures.now))}",
        question,
        [
            Dataset("Critical", "critical", [step.critical for step in steps]),
            Dataset("Error", "error", [step.error for step in steps]),
            Dataset("Warning", "warning", [step.warning for step in steps]),
        ],
        y_label="failures",
        releases=new_releases(question),
        incidents=incidents,
    )
