"""How long requests took, without inventing precision. Pure."""

from dataclasses import dataclass

from events.latency import GAMMA, ZERO_BUCKET, bucket_of, milliseconds_of

# Fewer measured requests than that say nothing about their slowest twentieth or hundredth.
P95_SAMPLES, P99_SAMPLES = 100, 500


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in milliseconds, at most 1 % off (events.latency); None: too few ``samples`` to say."""

    samples: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


def latency_of(samples: int, p50: int | None, p95: int | None, p99: int | None) -> Latency:
    """Of the buckets that the percentiles lie in."""
    return Latency(
        samples,
        None if p50 is None else milliseconds_of(p50),
        None if p95 is None or samples < P95_SAMPLES else milliseconds_of(p95),
        None if p99 is None or samples < P99_SAMPLES else milliseconds_of(p99),
    )


@dataclass(frozen=True, slots=True)
class BoundedP95:
    """A 95th percentile in milliseconds, and the bounds between which the true one lies with 95 % confidence."""

    p95_ms: float
    low_ms: float
    high_ms: float


def bounded_p95_of(samples: int, p95: int | None, low: int | None, high: int | None) -> BoundedP95 | None:
    """Of the buckets that they lie in; None: too few ``samples`` to say."""
    if p95 is None or low is None or high is None or samples < P95_SAMPLES:
        return None
    return BoundedP95(milliseconds_of(p95), milliseconds_of(low), milliseconds_of(high))


def last_bucket_within(milliseconds: float) -> int:
    """The last bucket that holds nothing longer: what is in the next one may be up to 2 % longer, and is not counted."""
    bucket = bucket_of(milliseconds)
    return bucket if bucket == ZERO_BUCKET or GAMMA**bucket <= milliseconds else bucket - 1
