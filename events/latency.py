"""Latency histograms: logarithmic buckets, so that any percentile is off by at most 1 % of its value. Pure.

The scheme of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch", VLDB 2019): bucket *i* holds
what lies in (γ^(i-1), γ^i] milliseconds, with γ = (1 + α) / (1 - α), and stands for 2γ^i / (γ + 1).
"""

import math
from collections.abc import Mapping

RELATIVE_ERROR = 0.01
GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_LOG_GAMMA = math.log(GAMMA)
# A hundredth of a millisecond and less is nothing.
SMALLEST_MS = 0.01
ZERO_BUCKET = -1000
# 10^12 ms are 31 years.
LARGEST_MS = 1e12


def bucket_of(duration_ms: float) -> int:
    """The bucket of a duration in milliseconds (not negative, not NaN)."""
    if duration_ms < SMALLEST_MS:
        return ZERO_BUCKET
    return math.ceil(math.log(min(duration_ms, LARGEST_MS)) / _LOG_GAMMA)


def milliseconds_of(bucket: int) -> float:
    """The duration that a bucket stands for: at most 1 % from everything in it."""
    return 0.0 if bucket == ZERO_BUCKET else float(2 * GAMMA**bucket / (GAMMA + 1))


def percentile(counts: Mapping[int, int], quantile: float) -> float | None:
    """The duration in milliseconds that the share ``quantile`` (0 to 1) of events did not exceed; None without events.

    ``counts`` are events per bucket. The rank is the nearest one: the 0.5 quantile of four events is the second.
    """
    total = sum(counts.values())
    if total == 0:
        return None
    rank = max(math.ceil(quantile * total), 1)
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return milliseconds_of(bucket)
    raise AssertionError("the last bucket reaches every rank")
