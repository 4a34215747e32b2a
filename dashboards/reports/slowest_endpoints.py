"""Slowest endpoints: how long requests take, whether that changed, and whether the newest release made it worse."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dashboards.reports.latency import BoundedP95, Latency, bounded_p95_of, latency_of
from dashboards.reports.question import Question
from dashboards.reports.releases import NewRelease, arrivals, new_releases
from dashboards.reports.runner import ask
from events.latency import milliseconds_of

# The guide's question leaves endpoints of ten requests and fewer out.
LEAST_REQUESTS = 10
# Apart by less than this, neither is slower: percentiles are up to 1 % off, and nobody would do anything about it.
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
    """Endpoints with more than ten requests; first who takes longest at the highest percentile that is known of it."""

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
    p95_low: int | None
    p95_high: int | None


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
    p95_low: int | None
    p95_high: int | None


def _latency(row: _Row | _OfRelease) -> Latency:
    return latency_of(row.samples, row.p50, row.p95, row.p99)


def _bounded_p95(row: _Row | _OfRelease) -> BoundedP95 | None:
    return bounded_p95_of(row.samples, row.p95, row.p95_low, row.p95_high)


def slowest_endpoints(question: Question) -> SlowestEndpoints:
    """The guide's question about api_response_time, with what changed."""
    rows = ask("slowest_endpoints", question, _Row, least=LEAST_REQUESTS)
    window = question.window
    earlier = replace(question, window=replace(window, span=window.before))
    before = {
        (row.service_id, row.endpoint): row
        for row in (ask("slowest_endpoints", earlier, _Row, least=0) if rows else ())
    }
    released = new_releases(question)
    comparisons = _comparisons(question, released) if rows and released else {}
    endpoints = [
        _endpoint(row, before.get((row.service_id, row.endpoint)), comparisons.get((row.service_id, row.endpoint)))
        for row in rows
    ]
    endpoints.sort(key=_slowest_first)
    return SlowestEndpoints(endpoints, distribution(ask("response_times", question, _Bucket)), released)


def _endpoint(row: _Row, before: _Row | None, release: ReleaseComparison | None) -> EndpointLatency:
    return EndpointLatency(
        row.service_id, row.endpoint, row.requests, row.slow, _latency(row),
        _latency(before) if before else latency_of(0, None, None, None),
        compared(_bounded_p95(row), _bounded_p95(before) if before else None), release,
    )  # fmt: skip


def _slowest_first(one: EndpointLatency) -> tuple[float, str, int]:
    latency = one.latency
    # Where p99 is not known for want of requests, it is p95 at least.
    return -(latency.p99_ms or latency.p95_ms or latency.p50_ms or 0.0), one.endpoint, one.service_id


def compared(now: BoundedP95 | None, before: BoundedP95 | None) -> str:
    """``slower`` or ``faster`` when p95 is more than 10 % apart and not by chance, ``same`` otherwise; ``unknown`` without both."""
    if now is None or before is None:
        return "unknown"
    if now.p95_ms > before.p95_ms * (1 + NOTABLE) and now.low_ms > before.high_ms:
        return "slower"
    return "faster" if now.p95_ms < before.p95_ms * (1 - NOTABLE) and now.high_ms < before.low_ms else "same"


def _comparisons(question: Question, released: Sequence[NewRelease]) -> dict[tuple[int, str], ReleaseComparison]:
    """By service and endpoint: the newest release of the service against the one that came out before it."""
    pairs = _newest_and_previous(question, {release.service_id for release in released})
    wanted = sorted({release for pair in pairs.values() for release in pair})
    found = {
        (row.service_id, row.endpoint, row.release): row
        for row in ask("latency_of_releases", question, _OfRelease, releases=wanted)
    }
    comparisons = {}
    for service_id, endpoint, _ in found:
        if service_id not in pairs:
            continue
        newest, previous = pairs[service_id]
        now, before = (found.get((service_id, endpoint, release)) for release in (newest, previous))
        if now is not None and before is not None:
            comparisons[service_id, endpoint] = ReleaseComparison(
                newest, previous, _latency(now), _latency(before), compared(_bounded_p95(now), _bounded_p95(before))
            )
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
