"""Cache: which keys are found, which are missed, and which times to live do not pay."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.statistics import Share, share_of

# A time to live does not pay when surely fewer lookups than that are hits; so many lookups are needed to say anything.
PAYS_FROM, LEAST_LOOKUPS = 0.20, 100


@dataclass(frozen=True, slots=True)
class CachePrefix:
    """Keys that begin alike (events.ingest.labels). ``hit_rate`` is of the window, ``hit_rate_before`` of the one before."""

    service_id: int
    prefix: str
    lookups: int
    misses: int
    hit_rate: Share
    hit_rate_before: Share


@dataclass(frozen=True, slots=True)
class CacheTtl:
    """``ttl`` as the events say it, in seconds. ``verdict``: pays, does_not_pay or unknown (too few lookups)."""

    service_id: int
    prefix: str
    ttl: str
    lookups: int
    hit_rate: Share
    verdict: str


@dataclass(frozen=True, slots=True)
class CacheStep:
    start: datetime
    end: datetime
    hits: int
    misses: int


@dataclass(frozen=True, slots=True)
class Cache:
    """Prefixes with most misses first; times to live by prefix, the lowest hit rate first."""

    hit_rate: Share
    hit_rate_before: Share
    prefixes: list[CachePrefix]
    ttls: list[CacheTtl]
    steps: list[CacheStep]


@dataclass(frozen=True, slots=True)
class _Row:
    service_id: int
    prefix: str
    ttl: str
    lookups: int
    hits: int
    lookups_before: int
    hits_before: int


@dataclass(frozen=True, slots=True)
class _Step:
    place: int
    lookups: int
    hits: int


def cache(question: Question) -> Cache:
    """Of cache_performance events."""
    rows = ask("cache_lookups", question, _Row)
    by_place = {step.place: step for step in ask("cache_over_time", question, _Step)}
    steps = []
    for place, step in enumerate(question.steps):
        found = by_place.get(place, _Step(place, 0, 0))
        steps.append(CacheStep(step.start, step.end, found.hits, found.lookups - found.hits))
    return Cache(*_rates(rows), _prefixes(rows), _ttls(rows), steps)


def _rates(rows: Sequence[_Row]) -> tuple[Share, Share]:
    return (
        share_of(sum(row.hits for row in rows), sum(row.lookups for row in rows)),
        share_of(sum(row.hits_before for row in rows), sum(row.lookups_before for row in rows)),
    )


def _prefixes(rows: Sequence[_Row]) -> list[CachePrefix]:
    by_prefix: dict[tuple[int, str], list[_Row]] = defaultdict(list)
    for row in rows:
        by_prefix[row.service_id, row.prefix].append(row)
    prefixes = []
    for (service_id, prefix), of_prefix in by_prefix.items():
        now, before = _rates(of_prefix)
        prefixes.append(CachePrefix(service_id, prefix, now.total, now.total - now.count, now, before))
    return sorted(prefixes, key=lambda one: (-one.misses, -one.lookups, one.prefix, one.service_id))


def _ttls(rows: Sequence[_Row]) -> list[CacheTtl]:
    ttls = []
    for row in rows:
        if row.lookups:
            rate = share_of(row.hits, row.lookups)
            ttls.append(CacheTtl(row.service_id, row.prefix, row.ttl, row.lookups, rate, verdict(rate)))
    return sorted(ttls, key=lambda one: (one.hit_rate.high, -one.lookups, one.prefix, one.ttl, one.service_id))


def verdict(hit_rate: Share) -> str:
    """``does_not_pay`` when, with 95 % confidence, fewer than a fifth of at least 100 lookups are hits."""
    if hit_rate.total < LEAST_LOOKUPS:
        return "unknown"
    return "does_not_pay" if hit_rate.high < PAYS_FROM else "pays"
