"""Failure rate by endpoint, and the page of one endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404

from dashboards.charts import Dataset, labels_of, over_time
from dashboards.pages.links import events_link, events_links, page_link
from dashboards.pages.report_page import ReportPage, has_heard_anything
from dashboards.pages.words import counted, failed_of, joined
from dashboards.reports.endpoint import EndpointReport, ReleaseRate
from dashboards.reports.failure_rates import EndpointRate, FailureRates, HeatRow
from dashboards.reports.question import Question
from dashboards.reports.releases import new_releases
from dashboards.statistics import is_apart
from events import formats

_MOST_ROWS = 100
# From which share of failed requests on a cell of the heat map has the next colour.
_LEVELS = (0.001, 0.01, 0.05, 0.2, 0.5)
_UNKNOWN = 7
# A request, and the label of those that were answered with an error of the server.
REQUEST, _BAD = "api_response_time", "status:5xx"


@dataclass(frozen=True, slots=True)
class HeatCell:
    """``level`` is 0 (nothing failed) to 6, 7 where no share is known; ``words`` tell what the colour says."""

    failures: int
    requests: int
    level: int
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class HeatLine:
    endpoint: str
    link: str
    cells: list[HeatCell]


@dataclass(frozen=True, slots=True)
class EndpointLine:
    rate: EndpointRate
    service: str
    link: str
    failures_link: str
    requests_link: str
    users_link: str
    # "worse", "better" or "": whether the rate differs from the window before beyond chance.
    trend: str


class EndpointsPage(ReportPage):
    title = "Failure rate by endpoint"
    template_name = "admin/analytics/endpoints.html"
    report_name = "failure-rates"

    def told(self, answer: FailureRates) -> dict[str, Any]:
        failing = [rate for rate in answer.endpoints if rate.failures]
        labels = labels_of(answer.steps, self.question.zone)
        return {
            "headline": headline(answer),
            "lines": [self._line(rate) for rate in answer.endpoints[:_MOST_ROWS]],
            "more": max(0, len(answer.endpoints) - _MOST_ROWS),
            "heat": [self._heat_line(row, answer, labels) for row in answer.heat] if len(answer.steps) > 1 else [],
            "heat_labels": labels,
            "chart": self._chart(answer) if failing else None,
            "has_heard": bool(answer.endpoints) or has_heard_anything(),
        }

    def _line(self, rate: EndpointRate) -> EndpointLine:
        trend = ""
        if is_apart(rate.rate, rate.rate_before):
            trend = "worse" if (rate.rate.share or 0) > (rate.rate_before.share or 0) else "better"
        return EndpointLine(
            rate,
            self.service_name(rate.service_id),
            self._link(rate.service_id, rate.endpoint),
            failures_link(self.question, rate),
            requests_link(self.question, rate),
            users_link(self.question, rate),
            trend,
        )

    def _heat_line(self, row: HeatRow, answer: FailureRates, labels: Sequence[str]) -> HeatLine:
        links = {
            is_by_status: events_links(
                self.question,
                answer.steps,
                service=row.service_id,
                endpoint=row.endpoint,
                **told_by(is_by_status=is_by_status),
            )
            for is_by_status in set(row.is_by_status)
        }
        cells = [
            HeatCell(
                failures,
                requests,
                heat_level(failures, requests),
                f"{labels[number]}: {failed_of(failures, requests)}",
                links[row.is_by_status[number]][number] if failures else "",
            )
            for number, (failures, requests) in enumerate(zip(row.failures, row.requests, strict=True))
        ]
        return HeatLine(row.endpoint, self._link(row.service_id, row.endpoint), cells)

    def _link(self, service_id: int, endpoint: str) -> str:
        return page_link("analytics_endpoint", self.question, service=service_id, endpoint=endpoint)

    def _chart(self, answer: FailureRates) -> dict[str, Any]:
        failures = [sum(row.failures[number] for row in answer.heat) for number in range(len(answer.steps))]
        worst = [row.endpoint for row in answer.heat]
        title = f"Failed requests of {worst[0] if len(worst) == 1 else f'the {len(worst)} worst endpoints'}"
        return over_time(
            "lm-failed-requests",
            title,
            self.question,
            [Dataset("Failed requests", "error", failures)],
            y_label="failed requests",
            releases=new_releases(self.question),
            incidents=self.incidents,
        )


class EndpointPage(ReportPage):
    title = "Endpoint"
    template_name = "admin/analytics/endpoint.html"
    report_name = "endpoint"

    def subjects(self) -> dict[str, str]:
        endpoint = self.request.GET.get("endpoint", "").replace("\x00", "")[:500]
        if not endpoint:
            raise Http404("Which endpoint? The address names none.")
        return {"endpoint": endpoint}

    def told(self, answer: EndpointReport) -> dict[str, Any]:
        events: dict[str, Any] = {"endpoint": answer.endpoint}
        return {
            "up": page_link("analytics_endpoints", self.question),
            "services_told": [
                (
                    rate,
                    self.service_name(rate.service_id),
                    failures_link(self.question, rate),
                    requests_link(self.question, rate),
                    users_link(self.question, rate),
                )
                for rate in answer.services
            ],
            "kinds": [
                (
                    kind,
                    events_link(
                        self.question,
                        name=kind.name,
                        severity=kind.severity,
                        label=_BAD if kind.name == REQUEST else "",
                        **events,
                    ),
                    page_link("analytics_users", self.question, name=kind.name, severity=kind.severity, **events),
                )
                for kind in answer.kinds
            ],
            "release_lines": [self._release_line(release, answer.endpoint) for release in answer.releases],
            "charts": self._charts(answer),
        }

    def _release_line(self, one: ReleaseRate, endpoint: str) -> tuple[ReleaseRate, str, str, str]:
        """With the events that name it, those of its failures and its requests; no address finds those that name no release."""
        if not one.release:
            return one, "", "", ""
        of: dict[str, Any] = {"endpoint": endpoint, "release": one.release}
        return (
            one,
            events_link(self.question, **of),
            events_link(self.question, **of, **told_by(is_by_status=one.is_by_status)),
            events_link(self.question, name=REQUEST, **of),
        )

    def _charts(self, answer: EndpointReport) -> list[dict[str, Any]]:
        steps = answer.steps
        charts = [
            over_time(
                "lm-endpoint-requests",
                "Requests, and those of them that failed",
                self.question,
                [
                    Dataset("Failed", "error", [step.failures for step in steps]),
                    Dataset("Answered", "neutral", [max(0, step.requests - step.failures) for step in steps]),
                ],
                y_label="requests",
                releases=answer.new_releases,
                incidents=self.incidents,
                subjects=self.subjects(),
            ),
        ]
        if any(step.latency.samples for step in steps):
            charts.append(
                over_time(
                    "lm-endpoint-latency",
                    "How long requests took: p95 where there are at least 100 of them, p99 from 500 on",
                    self.question,
                    [
                        Dataset("p50", "info", [step.latency.p50_ms for step in steps]),
                        Dataset("p95", "warning", [step.latency.p95_ms for step in steps]),
                        Dataset("p99", "error", [step.latency.p99_ms for step in steps]),
                    ],
                    y_label="time",
                    unit="ms",
                    kind="line",
                    releases=answer.new_releases,
                    incidents=self.incidents,
                    subjects=self.subjects(),
                )
            )
        return charts


def failures_link(question: Question, rate: EndpointRate) -> str:
    """The events that tell of its failed requests."""
    told = told_by(is_by_status=rate.is_by_status)
    return events_link(question, service=rate.service_id, endpoint=rate.endpoint, **told)


def told_by(*, is_by_status: bool) -> dict[str, Any]:
    """Words of events.event_search for the events by which failed requests were counted."""
    return {"name": REQUEST, "label": _BAD} if is_by_status else {"severity": "errors"}


def requests_link(question: Question, rate: EndpointRate) -> str:
    """Its requests."""
    return events_link(question, name=REQUEST, service=rate.service_id, endpoint=rate.endpoint)


def users_link(question: Question, rate: EndpointRate) -> str:
    """The users whom its failed requests hurt."""
    return page_link("analytics_users", question, service=rate.service_id, endpoint=rate.endpoint)


def headline(answer: FailureRates) -> str:
    """What a person in a hurry must know."""
    failing = [rate for rate in answer.endpoints if rate.failures]
    if not answer.endpoints:
        return ""
    if not failing:
        return f"No request failed at any of {counted(len(answer.endpoints), 'endpoint')}."
    worst = failing[0]
    worse = [
        rate.endpoint
        for rate in failing
        if is_apart(rate.rate, rate.rate_before) and rate.change.now > rate.change.before
    ]
    words = (
        f"Requests failed at {formats.number(len(failing))} of {counted(len(answer.endpoints), 'endpoint')}. "
        f"The worst is {worst.endpoint}: {failed_of(worst.failures, worst.requests)}, {counted(worst.users_hurt, 'user')} hurt."
    )
    if worse:
        words += f" Worse than before: {joined(worse[:3])}{' and others' if len(worse) > 3 else ''}."
    return words


def heat_level(failures: int, requests: int) -> int:
    """0 for none, 1 to 6 by their share, 7 where fewer requests than failures are known: a colour of liftmon.css."""
    if not failures:
        return 0
    if failures > requests:
        return _UNKNOWN
    share = failures / requests
    return 1 + sum(share >= least for least in _LEVELS)
