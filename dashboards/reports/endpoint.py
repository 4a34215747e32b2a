"""One endpoint: its requests, failures and latency over the window, what failed, and how its releases compare."""

from dataclasses import dataclass
from datetime import datetime

from dashboards.reports.failure_rates import EndpointRate, rates_of
from dashboards.reports.latency import Latency, latency_of
from dashboards.reports.question import Question
from dashboards.reports.releases import NewRelease, new_releases
from dashboards.reports.runner import ask
from dashboards.statistics import Share, share_if_known


@dataclass(frozen=True, slots=True)
class EndpointStep:
    start: datetime
    end: datetime
    requests: int
    failures: int
    latency: Latency


@dataclass(frozen=True, slots=True)
class FailureKind:
    """Events of one name and severity that tell of failed requests."""

    name: str
    severity: str
    event_count: int
    users_hurt: int


@dataclass(frozen=True, slots=True)
class ReleaseRate:
    """``release`` is "" for events that name none; no ``rate`` is known where it has more failures than requests.

    ``is_by_status``: as in EndpointRate.
    """

    release: str
    requests: int
    failures: int
    is_by_status: bool
    rate: Share
    latency: Latency


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """``services`` are those that have such an endpoint, the worst first; releases are by name, the last first."""

    endpoint: str
    services: list[EndpointRate]
    steps: list[EndpointStep]
    kinds: list[FailureKind]
    releases: list[ReleaseRate]
    new_releases: list[NewRelease]


@dataclass(frozen=True, slots=True)
class _Row:
    requests: int
    failures: int
    samples: int
    p50: int | None
    p95: int | None
    p99: int | None

    @property
    def latency(self) -> Latency:
        return latency_of(self.samples, self.p50, self.p95, self.p99)


@dataclass(frozen=True, slots=True)
class _StepRow(_Row):
    place: int


@dataclass(frozen=True, slots=True)
class _ReleaseRow(_Row):
    release: str
    errors: int
    bad_responses: int


def endpoint_report(question: Question, *, endpoint: str) -> EndpointReport:
    """Of all services that have such an endpoint, unless the question names one."""
    by_place = {row.place: row for row in ask("endpoint_steps", question, _StepRow, endpoint=endpoint)}
    steps = []
    for place, step in enumerate(question.steps):
        row = by_place.get(place, _StepRow(0, 0, 0, None, None, None, place))
        steps.append(EndpointStep(step.start, step.end, row.requests, row.failures, row.latency))
    releases = [
        ReleaseRate(
            row.release,
            row.requests,
            row.failures,
            row.bad_responses > row.errors,
            share_if_known(row.failures, row.requests),
            row.latency,
        )
        for row in ask("endpoint_releases", question, _ReleaseRow, endpoint=endpoint)
    ]
    return EndpointReport(
        endpoint,
        rates_of(question, endpoint),
        steps,
        ask("endpoint_kinds", question, FailureKind, endpoint=endpoint),
        releases,
        new_releases(question),
    )
