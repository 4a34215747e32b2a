"""Is the product healthy: what fails, for whom, how it compares with the window before, and what needs somebody."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from dashboards.reports.failure_rates import EndpointRate, rates_of
from dashboards.reports.question import Question
from dashboards.reports.releases import arrivals
from dashboards.reports.runner import ask
from dashboards.statistics import Change, Share, change_of, share_of
from events.models import Issue, Service

_TOP_ISSUES, _TOP_ENDPOINTS, _LAST_RELEASES = 8, 5, 5


@dataclass(frozen=True, slots=True)
class FailureStep:
    """Failures that occurred in one step of the window, by severity."""

    start: datetime
    end: datetime
    critical: int
    error: int
    warning: int


@dataclass(frozen=True, slots=True)
class IssueLine:
    """An unresolved issue, with its counts since it was first seen."""

    id: int
    service_id: int
    name: str
    title: str
    culprit: str
    severity: str
    event_count: int
    user_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    is_regressed: bool


@dataclass(frozen=True, slots=True)
class Attention:
    """Unresolved issues: how many, how many of them critical, and the ones to look at first."""

    unresolved: int
    critical: int
    regressed: int  # not the critical ones: those are told of already
    others: int  # neither critical nor regressed
    new_in_window: int
    top: list[IssueLine]
    # Critical and seen in the window, the one that hurt most users first; None when there is none.
    burning: IssueLine | None


@dataclass(frozen=True, slots=True)
class ReleaseLine:
    """One of the last releases, with what came of it in the window; ``first_seen_at`` is of its arrival in ``environment``."""

    service_id: int
    release: str
    first_seen_at: datetime
    environment: str
    events: int
    failures: int
    users_hurt: int


@dataclass(frozen=True, slots=True)
class Overview:
    """``requests`` are api_response_time events; the failed ones are counted as in failure_rates. ``endpoints`` are the worst.

    ``failures_unmeasured`` are of endpoints that tell of more failures than requests: no rate is known there.
    """

    events: Change
    failures: Change
    users_active: Change
    users_hurt: Change
    requests: Share
    failures_unmeasured: int
    requests_before: Share
    endpoints: list[EndpointRate]
    failures_over_time: list[FailureStep]
    attention: Attention
    releases: list[ReleaseLine]


@dataclass(frozen=True, slots=True)
class Setup:
    """How far the installation has come."""

    has_service: bool
    has_event: bool


@dataclass(frozen=True, slots=True)
class _Totals:
    events: int
    failures: int
    events_before: int
    failures_before: int
    users_active: int
    users_hurt: int
    users_active_before: int
    users_hurt_before: int


@dataclass(frozen=True, slots=True)
class _Step:
    place: int
    critical: int
    error: int
    warning: int


@dataclass(frozen=True, slots=True)
class _ReleaseFailures:
    service_id: int
    release: str
    events: int
    failures: int
    users_hurt: int


def overview(question: Question) -> Overview:
    """Issues are filtered by service alone: the others have none."""
    (totals,) = ask("overview_totals", question, _Totals)
    rates = rates_of(question, is_timed=False)
    known = [rate for rate in rates if rate.rate.total]
    return Overview(
        events=change_of(totals.events, totals.events_before),
        failures=change_of(totals.failures, totals.failures_before),
        users_active=change_of(totals.users_active, totals.users_active_before),
        users_hurt=change_of(totals.users_hurt, totals.users_hurt_before),
        requests=share_of(sum(rate.rate.count for rate in known), sum(rate.rate.total for rate in known)),
        failures_unmeasured=sum(rate.failures for rate in rates) - sum(rate.failures for rate in known),
        requests_before=share_of(
            sum(rate.rate_before.count for rate in rates if rate.rate_before.total),
            sum(rate.rate_before.total for rate in rates),
        ),
        endpoints=[rate for rate in rates if rate.failures][:_TOP_ENDPOINTS],
        failures_over_time=_failures_over_time(question),
        attention=attention(question),
        releases=_last_releases(question),
    )


def _failures_over_time(question: Question) -> list[FailureStep]:
    by_place = {step.place: step for step in ask("failures_over_time", question, _Step)}
    return [
        FailureStep(step.start, step.end, *((one.critical, one.error, one.warning) if one else (0, 0, 0)))
        for step, one in ((step, by_place.get(place)) for place, step in enumerate(question.steps))
    ]


def attention(question: Question) -> Attention:
    """What needs somebody, in three queries however many issues there are."""
    open_issues = Issue.objects.unresolved()
    if question.filters.services:
        open_issues = open_issues.filter(service_id__in=question.filters.services)
    start, end = question.window.start, question.window.end
    counts = open_issues.aggregate(
        unresolved=Count("pk"),
        critical=Count("pk", filter=Q(severity="critical")),
        regressed=Count("pk", filter=Q(is_regressed=True) & ~Q(severity="critical")),
        others=Count("pk", filter=Q(is_regressed=False) & ~Q(severity="critical")),
        new_in_window=Count("pk", filter=Q(first_seen_at__gte=start, first_seen_at__lt=end)),
    )
    recent_critical = open_issues.filter(severity="critical", last_seen_at__gte=start)
    burning = recent_critical.order_by("-user_count", "-last_seen_at", "pk").first()
    return Attention(
        **counts,
        top=[_line(issue) for issue in open_issues.worst_first()[:_TOP_ISSUES]],
        burning=None if burning is None else _line(burning),
    )


def _line(issue: Issue) -> IssueLine:
    return IssueLine(
        id=issue.pk,
        service_id=issue.service_id,
        name=issue.name,
        title=issue.title,
        culprit=issue.culprit,
        severity=issue.severity,
        event_count=issue.event_count,
        user_count=issue.user_count,
        first_seen_at=issue.first_seen_at,
        last_seen_at=issue.last_seen_at,
        is_regressed=issue.is_regressed,
    )


def _last_releases(question: Question) -> list[ReleaseLine]:
    """Those that came out last, newest first, whether in the window or before it."""
    arrived = arrivals(question)
    if question.filters.release:
        arrived = arrived.filter(release=question.filters.release)
    last = list(arrived.order_by("-first_seen_at", "service_id", "release")[:_LAST_RELEASES])
    if not last:
        return []
    found = ask("release_failures", question, _ReleaseFailures, releases=[one.release for one in last])
    told = {(one.service_id, one.release): one for one in found}
    lines = []
    for one in last:
        key = one.service_id, one.release
        told_of = told.get(key, _ReleaseFailures(*key, 0, 0, 0))
        lines.append(
            ReleaseLine(*key, one.first_seen_at, one.environment, told_of.events, told_of.failures, told_of.users_hurt)
        )
    return lines


def setup() -> Setup:
    """Whether there is a service, and whether any has sent something."""
    counts = Service.objects.aggregate(services=Count("pk"), heard=Count("first_event_at"))
    return Setup(has_service=counts["services"] > 0, has_event=counts["heard"] > 0)
