"""How often an endpoint usually fails, and how unlikely a count of failures is by chance. Pure.

What is usual is itself estimated, often from little, and it drifts from hour to hour. So a count is not held against one fixed
share but against all that are credible: the tail of the beta-binomial distribution where requests are counted, that of the negative
binomial (a Poisson whose rate is uncertain) where only failures are. Both are summed exactly, so few failures are judged as well
as many.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

# Of an endpoint that nothing is known of: the share that fails, and as how many requests and minutes that is worth.
_UNKNOWN_SHARE = 0.02
_SHARES = (0.005, 0.05)
_WORTH_REQUESTS = 10.0
_WORTH_MINUTES = 20.0
# However much was counted, tomorrow differs by a fifth (as a relative variance).
_LEAST_DRIFT = 0.04
# From so many spans on, the worst tenth is left out: last night's outage is not what is usual.
_SPANS_TO_TRIM = 10
_NEGLIGIBLE = 1e-9
# A share is known well enough by so many requests; to sum more terms would only cost time.
_MOST_TRIALS = 2_000


@dataclass(frozen=True, slots=True)
class Span:
    """Counted over so many minutes. ``requests`` below ``failures``: they are not counted."""

    failures: int
    requests: int
    minutes: float = 60.0


@dataclass(frozen=True, slots=True)
class Usual:
    """Sums of earlier spans, and ``drift``: the relative variance of the failure rate between them, beyond chance."""

    failures: int
    requests: int
    minutes: float
    drift: float = 0.0

    @property
    def counts_requests(self) -> bool:
        return self.requests >= max(self.failures, 1)


def usual_of(spans: Iterable[Span]) -> Usual | None:
    """None where nothing was counted. Hours of the last day are good spans: they show how a rate drifts."""
    known = [
        Span(max(span.failures, 0), max(span.requests, 0), span.minutes)
        for span in spans
        if span.minutes > 0 and (span.failures > 0 or span.requests > 0)
    ]
    if not known:
        return None
    by_requests = all(span.requests >= span.failures for span in known)
    rest = _without_the_worst(known, by_requests=by_requests)
    failures, exposure = sum(span.failures for span in rest), sum(_exposure(span, by_requests) for span in rest)
    drift = 0.0
    if failures and len(rest) > 1:
        expected = [failures * _exposure(span, by_requests) / exposure for span in rest]
        scatter = sum((span.failures - mean) ** 2 / mean for span, mean in zip(rest, expected, strict=True))
        drift = max(0.0, scatter / (len(rest) - 1) - 1) * len(rest) / failures
    requests = sum(span.requests for span in rest) if by_requests else 0
    return Usual(failures, requests, sum(span.minutes for span in rest), drift)


def _exposure(span: Span, by_requests: bool) -> float:
    return float(span.requests) if by_requests else span.minutes


def _without_the_worst(spans: list[Span], *, by_requests: bool) -> list[Span]:
    if len(spans) < _SPANS_TO_TRIM:
        return spans
    share = sum(span.failures for span in spans) / sum(_exposure(span, by_requests) for span in spans)
    worst_last = sorted(spans, key=lambda span: _distance(span.failures, share * _exposure(span, by_requests)))
    return worst_last[: len(spans) - math.ceil(len(spans) / 10)]


def _distance(failures: int, expected: float) -> float:
    return (failures - expected) / math.sqrt(expected + 1)


def typical_share(usuals: Iterable[Usual | None]) -> float:
    """What to expect of an endpoint that nothing is known of: what the others do, within bounds."""
    known = [usual for usual in usuals if usual is not None and usual.counts_requests]
    failures, requests = sum(usual.failures for usual in known), sum(usual.requests for usual in known)
    if not requests:
        return _UNKNOWN_SHARE
    return min(max(failures / requests, _SHARES[0]), _SHARES[1])


@dataclass(frozen=True, slots=True)
class Expectation:
    """Of one endpoint: ``share`` of requests that fail and ``rate`` of failures a minute, and ``shape``: how sure both are.

    ``share`` is None where requests are not counted.
    """

    share: float | None
    rate: float
    shape: float
    _credible_share: float
    _credible_rate: float

    def expected(self, failures: int, requests: int, minutes: float) -> float:
        """Failures, of so many requests or minutes."""
        if self.share is not None and requests >= failures:
            return self.share * requests
        return self.rate * minutes

    def chance(self, failures: int, requests: int, minutes: float) -> float:
        """The probability of so many failures or more."""
        if failures <= 0:
            return 1.0
        if self.share is not None and requests >= failures:
            # Scaled down, the same share weighs less: an error to the safe side.
            if requests > _MOST_TRIALS:
                failures, requests = failures * _MOST_TRIALS // requests, _MOST_TRIALS
            beta = self.shape * (1 - self._credible_share) / self._credible_share
            return _beta_binomial_tail(failures, requests, self.shape, beta)
        return _negative_binomial_tail(failures, self.shape, self._credible_rate * minutes)


def expectation(usual: Usual | None, typical: float) -> Expectation:
    """``typical``: the share of an endpoint that nothing is known of (`typical_share`)."""
    failures, requests, minutes, drift = (
        (usual.failures, usual.requests, usual.minutes, usual.drift) if usual else (0, 0, 0.0, 0.0)
    )
    before = typical * _WORTH_REQUESTS
    counts_requests = usual is None or usual.counts_requests
    credible_share = min((failures + before) / (requests + _WORTH_REQUESTS), 0.999) if counts_requests else typical
    credible_rate = (failures + before) / (minutes + _WORTH_MINUTES)
    # Shrunk towards others for the tail; but what was seen of it is never held against an endpoint.
    share = max(credible_share, failures / requests if requests else 0.0) if counts_requests else None
    rate = max(credible_rate, failures / minutes if minutes else 0.0)
    shape = 1 / (1 / (failures + before) + _LEAST_DRIFT + drift)
    return Expectation(share, rate, shape, credible_share, credible_rate)


def _beta_binomial_tail(least: int, trials: int, alpha: float, beta: float) -> float:
    if least > trials:
        return 0.0
    log_first = (
        math.lgamma(trials + 1)
        - math.lgamma(least + 1)
        - math.lgamma(trials - least + 1)
        + math.lgamma(least + alpha)
        + math.lgamma(trials - least + beta)
        - math.lgamma(trials + alpha + beta)
        + math.lgamma(alpha + beta)
        - math.lgamma(alpha)
        - math.lgamma(beta)
    )
    total = term = math.exp(min(log_first, 0.0))
    for count in range(least, trials):
        term *= (trials - count) / (count + 1) * (count + alpha) / (trials - count - 1 + beta)
        total += term
        if term < _NEGLIGIBLE * total:
            break
    return min(total, 1.0)


def _negative_binomial_tail(least: int, shape: float, mean: float) -> float:
    grown = mean / (mean + shape)
    if grown <= 0:
        return 0.0
    log_first = math.lgamma(least + shape) - math.lgamma(shape) - math.lgamma(least + 1)
    total = term = math.exp(min(log_first + shape * math.log1p(-grown) + least * math.log(grown), 0.0))
    ratio = grown
    for count in range(least, least + _MOST_TRIALS):
        ratio = (count + shape) / (count + 1) * grown
        term *= ratio
        total += term
        if term < _NEGLIGIBLE * total:
            return min(total, 1.0)
    # What was not summed falls at least as fast as this series.
    ratio = max(ratio, grown)
    return min(total + term * ratio / (1 - ratio), 1.0) if ratio < 1 else 1.0


def binomial_tail(least: int, trials: int, share: float) -> float:
    """The probability of ``least`` or more of ``trials``."""
    if least <= 0 or share >= 1:
        return 1.0
    if least > trials or share <= 0:
        return 0.0
    if trials > _MOST_TRIALS:
        least, trials = max(1, least * _MOST_TRIALS // trials), _MOST_TRIALS
    if least < trials * share:
        # Up to the mean the terms grow out of nothing, which floats lose; those of the other side do not.
        return 1 - binomial_tail(trials - least + 1, trials, 1 - share)
    log_first = math.lgamma(trials + 1) - math.lgamma(least + 1) - math.lgamma(trials - least + 1)
    term = math.exp(min(log_first + least * math.log(share) + (trials - least) * math.log1p(-share), 0.0))
    total, odds = term, share / (1 - share)
    for count in range(least, trials):
        term *= (trials - count) / (count + 1) * odds
        total += term
        if term < _NEGLIGIBLE * total:
            break
    return min(total, 1.0)
