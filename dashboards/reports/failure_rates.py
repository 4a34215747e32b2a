"""Failure rate by endpoint: which requests fail, how often, how slowly they are answered, and whom it hurts."""

from dataclasses import dataclass

from dashboards.reports.latency import Latency, latency_of
from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.statistics import Change, Share, change_of, share_if_known, share_of
from dashboards.window import Span

# Cells of the heat map: the worst endpoints.
_MAPPED = 12


@dataclass(frozen=True, slots=True)
class EndpointRate:
    """``rate`` is of failed requests; ``rate_before`` and ``change`` compare with the window before.

    A rate is unknown where more failures are told of than requests: not every request is measured there, or none.

    ``is_by_status``: the failures are responses with a status of 5xx, of which there are more than events that tell of them.
    """

    service_id: int
    endpoint: str
    requests: int
    failures: int
    is_by_status: bool
    rate: Share
    rate_before: Share
    change: Change
    latency: Latency
    users_hurt: int


@dataclass(frozen=True, slots=True)
class HeatRow:
    """Failed requests of one endpoint, a number for each of the report's ``steps``; ``requests`` and ``is_by_status`` likewise."""

    service_id: int
    endpoint: str
    failures: list[int]
    requests: list[int]
    is_by_status: list[bool]


@dataclass(frozen=True, slots=True)
class FailureRates:
    """Worst endpoint first: by the rate that it has at least, so that one failure of two requests is not the worst of all.

    Where no rate is known and users are hurt, as if half of the requests had failed: somebody suffers, but a measured outage is
    more certain. Where nobody is known to be hurt, behind all whose rate is known.
    """

    endpoints: list[EndpointRate]
    steps: list[Span]
    heat: list[HeatRow]


@dataclass(frozen=True, slots=True)
class _Row:
    service_id: int
    endpoint: str
    requests: int
    errors: int
    bad_responses: int
    requests_before: int
    failures_before: int
    samples: int
    p50: int | None
    p95: int | None
    p99: int | None
    users_hurt: int


@dataclass(frozen=True, slots=True)
class _Cell:
    service_id: int
    endpoint: str
    place: int
    requests: int
    errors: int
    failures: int


def failure_rates(question: Question) -> FailureRates:
    """Every endpoint that was asked for or failed, in this window or in the one before."""
    rates = rates_of(question)
    worst = [rate for rate in rates if rate.failures][:_MAPPED]
    return FailureRates(rates, question.steps, _heat(question, worst))


def rates_of(question: Question, endpoint: str = "", *, is_timed: bool = True) -> list[EndpointRate]:
    """Of one endpoint, in each service that has it, or of all; the worst first. Not ``is_timed``: without latencies."""
    rates = [_rate(row) for row in ask("failure_rates", question, _Row, endpoint=endpoint, is_timed=is_timed)]
    rates.sort(key=_worst_first)
    return rates


def _worst_first(one: EndpointRate) -> tuple[float, bool, bool, int, int, str, int]:
    is_unknown = one.rate.share is None
    at_least = one.rate.low
    if is_unknown and one.users_hurt:
        at_least = share_of(one.failures, 2 * one.failures).low
    # What is known comes before what is assumed.
    return (
        -at_least, not one.failures, is_unknown, -one.failures, -one.requests, one.endpoint, one.service_id,
    )  # fmt: skip


def _rate(row: _Row) -> EndpointRate:
    failures = max(row.errors, row.bad_responses)
    rate, before = (
        share_if_known(failures, requests)
        for requests, failures in ((row.requests, failures), (row.requests_before, row.failures_before))
    )
    return EndpointRate(
        service_id=row.service_id,
        endpoint=row.endpoint,
        requests=row.requests,
        failures=failures,
        is_by_status=row.bad_responses > row.errors,
        rate=rate,
        rate_before=before,
        change=change_of(failures, row.failures_before),
        latency=latency_of(row.samples, row.p50, row.p95, row.p99),
        users_hurt=row.users_hurt,
    )


def _heat(question: Question, worst: list[EndpointRate]) -> list[HeatRow]:
    if not worst:
        return []
    steps = question.steps
    count = len(steps)
    rows = {
        (rate.service_id, rate.endpoint): HeatRow(
            rate.service_id, rate.endpoint, [0] * count, [0] * count, [False] * count
        )
        for rate in worst
    }
    for cell in ask("failures_by_step", question, _Cell, endpoints=sorted({rate.endpoint for rate in worst})):
        row = rows.get((cell.service_id, cell.endpoint))
        if row is not None:
            row.failures[cell.place] = cell.failures
            row.requests[cell.place] = cell.requests
            row.is_by_status[cell.place] = cell.failures > cell.errors
    return list(rows.values())
