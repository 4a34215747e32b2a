"""Slowest endpoints."""

from typing import Any

from dashboards.pages.links import events_link, page_link
from dashboards.pages.report_page import ReportPage, has_heard_anything
from dashboards.pages.words import counted, joined
from dashboards.reports.slowest_endpoints import EndpointLatency, SlowestEndpoints
from dashboards.templatetags.numbers import took

_MOST_ROWS = 100


class LatencyPage(ReportPage):
    title = "Slowest endpoints"
    template_name = "admin/analytics/latency.html"
    report_name = "slowest-endpoints"

    def told(self, answer: SlowestEndpoints) -> dict[str, Any]:
        return {
            "headline": headline(answer),
            "chart": _chart(answer) if any(one.requests for one in answer.distribution) else None,
            "lines": [self._line(one) for one in answer.endpoints[:_MOST_ROWS]],
            "more": max(0, len(answer.endpoints) - _MOST_ROWS),
            "releases": [
                (one, page_link("analytics_endpoint", self.question, service=one.service_id, endpoint=one.endpoint))
                for one in answer.endpoints
                if one.release is not None
            ][:_MOST_ROWS],
            "has_heard": bool(answer.endpoints) or has_heard_anything(),
        }

    def _line(self, one: EndpointLatency) -> dict[str, Any]:
        words: dict[str, Any] = {"service": one.service_id, "endpoint": one.endpoint}
        return {
            "of": one,
            "service": self.service_name(one.service_id),
            "link": page_link("analytics_endpoint", self.question, **words),
            "requests_link": events_link(self.question, name="api_response_time", **words),
            "slow_link": events_link(self.question, name="slow_endpoint", **words),
        }


def headline(answer: SlowestEndpoints) -> str:
    """What a person in a hurry must know."""
    if not answer.endpoints:
        return ""
    slowest = answer.endpoints[0]
    parts = [f"The slowest endpoint is {slowest.endpoint}: {_worst_known(slowest)}."]
    slower = [one.endpoint for one in answer.endpoints if one.verdict == "slower"]
    if slower:
        others = f" and {counted(len(slower) - 3, 'other')}" if len(slower) > 3 else ""
        parts.append(f"Slower than before: {joined(slower[:3]) if not others else ', '.join(slower[:3])}{others}.")
    by_release = [one for one in answer.endpoints if one.release is not None and one.release.verdict == "slower"]
    if by_release and by_release[0].release is not None:
        parts.append(f"{by_release[0].release.newest} made {counted(len(by_release), 'endpoint')} slower.")
    return " ".join(parts)


def _worst_known(one: EndpointLatency) -> str:
    latency = one.latency
    if latency.p99_ms is not None:
        return f"one request in a hundred takes {took(latency.p99_ms)} or longer"
    if latency.p95_ms is not None:
        return f"one request in twenty takes {took(latency.p95_ms)} or longer"
    return f"half of its {latency.samples} requests take {took(latency.p50_ms)} or longer"


def _chart(answer: SlowestEndpoints) -> dict[str, Any]:
    """How many requests took how long; not over time, so nothing to zoom into."""
    classes = answer.distribution
    labels = [
        f"{took(one.from_ms)} and more" if one.to_ms is None else f"under {took(one.to_ms)}" if not one.from_ms
        else f"{took(one.from_ms)} – {took(one.to_ms)}"
        for one in classes
    ]  # fmt: skip
    total = sum(one.requests for one in classes)
    return {
        "id": "lm-durations",
        "caption": f"How long {counted(total, 'request')} took",
        "type": "bar",
        "labels": labels,
        "datasets": [{"label": "Requests", "tone": "info", "data": [one.requests for one in classes]}],
        "y_label": "requests",
    }
