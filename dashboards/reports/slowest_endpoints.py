"""Slowest endpoints: how long requests take, whether that changed, and whether the newest release made it worse."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dashboards.reports.latency import Latency, latency_of
from dashboards.reports.question import Question
from dashboards.reports.releases import NewRelease, arrivals, new_releases
from dashboards.reports.runner import ask
from events.latency import milliseconds_of

# The guide's question leaves endpoints of ten requests and fewer out.
LEAST_REQUESTS = 10
# Percentiles are at most 1 % off; apart by more than this, one is slower.
NOTABLE = 0.10
# Where the classes of the distribution begin, in milliseconds.
CLASSES_MS = (0.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class ReleaseComparison:
    """The newest release of the service in the window and the one before it. ``verdict``: slower, faster, same or unknown."""

    newest: str
    previous: str
    latency: Latency
    latency_before: Latency
    verdict: str


@dataclass(frozen=True, slots=True)
class EndpointLatency:
    """``slow`` counts slow_endpoint events. ``verdict`` compares with the window before: slower, faster, same or unknown."""

    service_id: int
    endpoint: str
    requests: int
    slow: int
    latency: Latency
    latency_before: Latency
    verdict: str
    release: ReleaseComparison | None


@dataclass(frozen=True, slots=True)
class DurationClass:
    """Requests that took ``from_ms`` or longer, and less than ``to_ms`` (None: however long)."""

    from_ms: float
    to_ms: float | None
    requests: int


@dataclass(frozen=True, slots=True)
class SlowestEndpoints:
    """Endpoints with more than ten requests; the slowest at p99 first, where that is known, then at p95, then at p50."""

    endpoints: list[EndpointLatency]
    distribution: list[DurationClass]
    new_releases: list[NewRelease]


@dataclass(frozen=True, slots=True)
class _Row:
    service_id: int
    endpoint: str
    requests: int
    slow: int
    samples: int
    p50: int | None
    p95: int | None
    p99: int | None

    @property
    def latency(self) -> Latency:
        return latency_of(self.samples, self.p50, self.p95, self.p99)


@dataclass(frozen=True, slots=True)
class _Bucket:
    bucket: int
    event_count: int


@dataclass(frozen=True, slots=True)
class _OfRelease:
    service_id: int
    endpoint: str
    release: str
    samples: int
    p50: int | None
    p95: int | None
    p99: int | None


def slowest_endpoints(question: Question) -> SlowestEndpoints:
    """The guide's question about api_response_time, with what changed."""
    rows = ask("slowest_endpoints", question, _Row, least=LEAST_REQUESTS)
    window = question.window
    earlier = replace(question, window=replace(window, span=window.before))
    before = {
        (row.service_id, row.endpoint): row.latency
        for row in (ask("slowest_endpoints", earlier, _Row, least=0) if rows else ())
    }
    released = new_releases(question)
    comparisons = _comparisons(question, released) if rows and released else {}
    unknown = latency_of(0, None, None, None)
    endpoints = [
        _endpoint(
            row, before.get((row.service_id, row.endpoint), unknown), comparisons.get((row.service_id, row.endpoint))
        )
        for row in rows
    ]
    endpoints.sort(key=_slowest_first)
    return SlowestEndpoints(endpoints, distribution(ask("response_times", question, _Bucket)), released)


def _endpoint(row: _Row, before: Latency, release: ReleaseComparison | None) -> EndpointLatency:
    now = row.latency
    return EndpointLatency(
        row.service_id, row.endpoint, row.requests, row.slow, now, before, compared(now, before), release
    )


def _slowest_first(one: EndpointLatency) -> tuple[float, float, float, str, int]:
    latency = one.latency
    # What is not known for want of requests comes behind what is.
    return (
        -(latency.p99_ms or 0.0), -(latency.p95_ms or 0.0), -(latency.p50_ms or 0.0), one.endpoint, one.service_id,
    )  # fmt: skip


def compared(now: Latency, before: Latency) -> str:
    """``slower`` or ``faster`` when p95 is more than 10 % apart, ``same`` otherwise; ``unknown`` where either p95 is not known."""
    if now.p95_ms is None or before.p95_ms is None:
        return "unknown"
    if now.p95_ms > before.p95_ms * (1 + NOTABLE):
        return "slower"
    return "faster" if now.p95_ms < before.p95_ms * (1 - NOTABLE) else "same"


def _comparisons(question: Question, released: Sequence[NewRelease]) -> dict[tuple[int, str], ReleaseComparison]:
    """By service and endpoint: the newest release of the service against the one that came out before it."""
    pairs = _newest_and_previous(question, {release.service_id for release in released})
    wanted = sorted({release for pair in pairs.values() for release in pair})
    found = {
        (row.service_id, row.endpoint, row.release): latency_of(row.samples, row.p50, row.p95, row.p99)
        for row in ask("latency_of_releases", question, _OfRelease, releases=wanted)
    }
    comparisons = {}
    for service_id, endpoint, _ in found:
        if service_id not in pairs:
            continue
        newest, previous = pairs[service_id]
        now, before = (found.get((service_id, endpoint, release)) for release in (newest, previous))
        if now is not None and before is not None:
            comparisons[service_id, endpoint] = ReleaseComparison(newest, previous, now, before, compared(now, before))
    return comparisons


def _newest_and_previous(question: Question, service_ids: set[int]) -> dict[int, tuple[str, str]]:
    known = arrivals(question).filter(service_id__in=service_ids)
    names: dict[int, list[str]] = {}
    for service_id, release in known.order_by("-first_seen_at", "release").values_list("service_id", "release")[:500]:
        names.setdefault(service_id, []).append(release)
    return {service_id: (ordered[0], ordered[1]) for service_id, ordered in names.items() if len(ordered) > 1}


def distribution(buckets: Sequence[_Bucket]) -> list[DurationClass]:
    """Requests by class of duration; a bucket counts where the duration that it stands for lies."""
    counts = [0] * len(CLASSES_MS)
    for one in buckets:
        milliseconds = milliseconds_of(one.bucket)
        counts[max(place for place, start in enumerate(CLASSES_MS) if milliseconds >= start)] += one.event_count
    ends: list[float | None] = [*CLASSES_MS[1:], None]
    return [DurationClass(start, end, count) for start, end, count in zip(CLASSES_MS, ends, counts, strict=True)]
