"""Whether a count is new, rising or falling against the same hours of earlier days, without crying over a few events. Pure.

Counts of rare events scatter like Poisson's, and those of frequent ones more than that. Their doubled square roots (Anscombe, "The
transformation of Poisson, binomial and negative-binomial data", Biometrika 1948) scatter by about 1 whatever the count is, so that
one bound holds for three events and for three thousand. What is usual is the median of the earlier days, and how much they scatter
their median distance from it: one bad day among them moves neither.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from statistics import median

from dashboards.window import COUNT_MINUTES_BACK, DAY, HOUR, Span, Window, aligned, floor

# Fewer earlier days say nothing about what is usual.
FEWEST_DAYS = 3
DAYS = 7
# Longer windows are compared with so many windows before them.
WINDOWS = 4
# So many standard deviations from what is usual; by chance about one count in 400.
_APART = 3.0
# And by so much: with large counts chance explains little, and small changes help nobody.
_FACTOR = 1.3
# Of a normal distribution: its standard deviation by its median distance, and the variance of a median by that of a mean.
_BY_MEDIAN_DISTANCE = 1.4826
_VARIANCE_OF_MEDIAN = math.pi / 2


@dataclass(frozen=True, slots=True)
class Trend:
    """``kind`` is "new", "rising", "falling", "usual", or "unknown" with fewer than three earlier ``days`` to compare with.

    ``usual`` is the median of the earlier days; None when it is unknown.
    """

    kind: str
    usual: float | None
    days: int


def trend_of(now: int, earlier: Sequence[int], *, is_known: bool) -> Trend:
    """Of a count against those of earlier days. ``is_known``: there were some at other hours of these days, so they are not new."""
    days = len(earlier)
    if days < FEWEST_DAYS:
        return Trend("unknown", None, days)
    usual = float(median(earlier))
    if now and not is_known and not any(earlier):
        return Trend("new", usual, days)
    roots = [_root(count) for count in earlier]
    middle = median(roots)
    scatter = max(1.0, _BY_MEDIAN_DISTANCE * median(abs(root - middle) for root in roots))
    apart = (_root(now) - middle) / (scatter * math.sqrt(1 + _VARIANCE_OF_MEDIAN / days))
    if apart > _APART and now >= _FACTOR * usual:
        return Trend("rising", usual, days)
    if apart < -_APART and _FACTOR * now <= usual:
        return Trend("falling", usual, days)
    return Trend("usual", usual, days)


def _root(count: float) -> float:
    return 2 * math.sqrt(count + 3 / 8)


def earlier_spans(window: Window, zone: tzinfo) -> list[Span]:
    """What a window is compared with, the latest first: the same hours of the seven days before, on the reader's clock.

    Windows of more than a day: the four windows before, each as long. What windows of half a day or more are compared with begins
    on the full hour (UTC), so that no minutes of earlier weeks are read.
    """
    spans = []
    if not window.is_within_a_day:
        end = window.start
        for _ in range(WINDOWS):
            spans.append(Span(floor(_aligned(end - window.span.length, window), HOUR), end))
            end = spans[-1].start
        return spans
    local = window.start.astimezone(zone).replace(tzinfo=None)
    for days in range(1, DAYS + 1):
        start = _aligned((local - timedelta(days=days)).replace(tzinfo=zone), window)
        if window.span.length >= DAY / 2:
            start = floor(start, HOUR)
        # Where the clock went on meanwhile, the day before ends an hour sooner.
        spans.append(Span(start, min(_aligned(start + window.span.length, window), window.start)))
    return spans


def _aligned(at: datetime, window: Window) -> datetime:
    return aligned(at, window.now, minutes_back=COUNT_MINUTES_BACK)
