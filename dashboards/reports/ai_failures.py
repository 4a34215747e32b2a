"""AI generation: which providers and features fail, how often calls succeed in time, and who is met by it.

A call is an ``api_response_time`` that names its ``ai_provider``. A failure is told by an ``ai_failure``, a timeout by an
``ai_failure`` whose reason says so or by an ``api_timeout`` of AI (that names a provider, or a feature that AI works for). Services
that log both tell of the same wait twice: of a provider, of a feature and of both together the larger of the two counts, never
their sum.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from dashboards.reports.latency import Latency, last_bucket_within, latency_of
from dashboards.reports.question import Question
from dashboards.reports.releases import NewRelease, new_releases
from dashboards.reports.runner import ask
from dashboards.reports.verdicts import ProviderRate, Verdict, worst_provider
from dashboards.statistics import Change, Share, change_of, share_if_known, share_of
from dashboards.window import Span

_TIMEOUT = re.compile(r"timed?[ _-]?out|deadline", re.IGNORECASE)
# What ``fallback_used`` says when there was none; everything else, such as "template", names one that was.
NO_FALLBACK = ("", "false", "none", "no", "0", "null", "off")


@dataclass(frozen=True, slots=True)
class AiRates:
    """What was called and what failed. Without ``calls`` the rate is not known: only the failures are.

    ``rate`` is of failures among calls; ``fallback`` of ai_failures with a fallback among those that say whether there was one,
    and of api_timeouts where no ai_failure says so. ``ai_failures`` and ``api_timeouts`` are events, ``ai_timeouts`` those of the
    first whose reason is a timeout.
    """

    calls: int
    failures: int
    timeouts: int
    ai_failures: int
    ai_timeouts: int
    api_timeouts: int
    rate: Share
    rate_before: Share
    failures_change: Change
    timeouts_change: Change
    fallback: Share


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """``ai_failure`` events with that reason ("" for none told)."""

    reason: str
    event_count: int


@dataclass(frozen=True, slots=True)
class ProviderFailures:
    """``provider`` is "" for failures that name none. ``within_sla`` is of the calls that tell how long they took."""

    provider: str
    rates: AiRates
    within_sla: Share
    latency: Latency
    users_hurt: int
    reasons: list[ReasonCount]


@dataclass(frozen=True, slots=True)
class FeatureFailures:
    """``feature`` is "" for failures that name none. ``timeout_rate`` is of timeouts among calls.

    ``timeout_reasons`` are the reasons of its ``ai_timeouts``, as they are told.
    """

    feature: str
    rates: AiRates
    timeout_rate: Share
    users_hurt: int
    timeout_reasons: list[ReasonCount]


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One feature of one provider; "" for what is not named."""

    feature: str
    provider: str
    rates: AiRates


@dataclass(frozen=True, slots=True)
class ProviderSteps:
    """Failures of one provider, a number for each of the report's steps; in each step the larger telling counts."""

    provider: str
    failures: list[int]


@dataclass(frozen=True, slots=True)
class AiFailures:
    """Providers by how many of their calls fail at least, features by timeouts; the worst first. ``sla_ms``: LIFTMON_AI_SLA_MS."""

    sla_ms: int
    total: AiRates
    users_hurt: int
    verdict: Verdict
    providers: list[ProviderFailures]
    features: list[FeatureFailures]
    matrix: list[MatrixCell]
    steps: list[Span]
    by_step: list[ProviderSteps]
    new_releases: list[NewRelease]


@dataclass(frozen=True, slots=True)
class _Count:
    name: str
    feature: str
    ai_provider: str
    reason: str
    fallback_used: str
    status: str
    event_count: int
    event_count_before: int


@dataclass(frozen=True, slots=True)
class _StepCount:
    place: int
    name: str
    ai_provider: str
    reason: str
    event_count: int


@dataclass(frozen=True, slots=True)
class _Latency:
    ai_provider: str
    samples: int
    within: int
    p50: int | None
    p95: int | None
    p99: int | None


@dataclass(frozen=True, slots=True)
class _Users:
    ai_provider: str | None
    feature: str | None
    users_hurt: int


@dataclass(slots=True)
class _Sums:
    """Events of one window."""

    calls: int = 0
    ai_failures: int = 0
    ai_timeouts: int = 0
    api_timeouts: int = 0
    # (with a fallback, saying whether there was one) by name.
    fallbacks: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, row: _Count, count: int) -> None:
        if row.name == "api_response_time":
            self.calls += count
            return
        self.tell(row.name, row.reason, count)
        if row.fallback_used and count:
            used, said = self.fallbacks.get(row.name, (0, 0))
            is_used = row.fallback_used.lower() not in NO_FALLBACK
            self.fallbacks[row.name] = used + count * is_used, said + count

    def tell(self, name: str, reason: str, count: int) -> None:
        if name == "api_timeout":
            self.api_timeouts += count
            return
        self.ai_failures += count
        self.ai_timeouts += count if _TIMEOUT.search(reason) else 0

    @property
    def timeouts(self) -> int:
        return max(self.ai_timeouts, self.api_timeouts)

    @property
    def failures(self) -> int:
        return self.ai_failures - self.ai_timeouts + self.timeouts

    @property
    def fallback(self) -> Share:
        return share_of(*self.fallbacks.get("ai_failure", self.fallbacks.get("api_timeout", (0, 0))))

    def share_of_calls(self, count: int) -> Share:
        return share_if_known(count, self.calls)


@dataclass(slots=True)
class _Group:
    """This window and the one before it."""

    now: _Sums = field(default_factory=_Sums)
    before: _Sums = field(default_factory=_Sums)

    def add(self, row: _Count) -> None:
        self.now.add(row, row.event_count)
        self.before.add(row, row.event_count_before)

    def rates(self) -> AiRates:
        now, before = self.now, self.before
        return AiRates(
            calls=now.calls,
            failures=now.failures,
            timeouts=now.timeouts,
            ai_failures=now.ai_failures,
            ai_timeouts=now.ai_timeouts,
            api_timeouts=now.api_timeouts,
            rate=now.share_of_calls(now.failures),
            rate_before=before.share_of_calls(before.failures),
            failures_change=change_of(now.failures, before.failures),
            timeouts_change=change_of(now.timeouts, before.timeouts),
            fallback=now.fallback,
        )


def verdict_on(providers: Sequence[ProviderFailures]) -> Verdict:
    """Which provider fails most, in the formats of whoever reads it now. Pure."""
    return worst_provider(
        [ProviderRate(one.provider, one.rates.failures, one.rates.rate) for one in providers if one.provider]
    )


def ai_failures(question: Question) -> AiFailures:
    """Every provider and feature that was called or failed, in this window or in the one before."""
    features = [row.feature for row in ask("ai_features", question, _Feature)]
    counts = ask("ai_counts", question, _Count, features=features)
    users = ask("ai_users", question, _Users, features=features) if counts else []
    providers = _providers(question, counts, {row.ai_provider: row.users_hurt for row in users if row.feature is None})
    return AiFailures(
        sla_ms=settings.AI_SLA_MS,
        total=_grouped(counts, lambda _: "").get("", _Group()).rates(),
        users_hurt=sum(row.users_hurt for row in users if row.ai_provider is None and row.feature is None),
        verdict=verdict_on(providers),
        providers=providers,
        features=_features(counts, {row.feature: row.users_hurt for row in users if row.ai_provider is None}),
        matrix=[
            MatrixCell(*key, group.rates())
            for key, group in sorted(_grouped(counts, lambda row: (row.feature, row.ai_provider)).items())
        ],
        steps=question.steps,
        by_step=_by_step(question, features, [one.provider for one in providers]) if counts else [],
        new_releases=new_releases(question),
    )


@dataclass(frozen=True, slots=True)
class _Feature:
    feature: str


def _grouped[Key](counts: Iterable[_Count], key: Callable[[_Count], Key]) -> dict[Key, _Group]:
    groups: dict[Key, _Group] = defaultdict(_Group)
    for row in counts:
        groups[key(row)].add(row)
    return groups


def _providers(question: Question, counts: list[_Count], users: dict[str | None, int]) -> list[ProviderFailures]:
    last_bucket = last_bucket_within(settings.AI_SLA_MS)
    measured = (
        {
            row.ai_provider: row
            for row in ask("ai_latency", question, _Latency, last_bucket=last_bucket, not_used=list(NO_FALLBACK))
        }
        if any(row.name == "api_response_time" for row in counts)
        else {}
    )
    reasons = _reasons(counts, lambda row: row.ai_provider)
    providers = []
    for provider, group in _grouped(counts, lambda row: row.ai_provider).items():
        timed = measured.get(provider, _Latency(provider, 0, 0, None, None, None))
        providers.append(
            ProviderFailures(
                provider,
                group.rates(),
                share_of(timed.within, timed.samples),
                latency_of(timed.samples, timed.p50, timed.p95, timed.p99),
                users.get(provider, 0),
                reasons.get(provider, []),
            )
        )
    # Those that name no provider last: nobody can mend "none".
    providers.sort(key=lambda one: (not one.provider, -one.rates.rate.low, -one.rates.failures, one.provider))
    return providers


def _features(counts: list[_Count], users: dict[str | None, int]) -> list[FeatureFailures]:
    timeouts = _reasons((row for row in counts if _TIMEOUT.search(row.reason)), lambda row: row.feature)
    features = [
        FeatureFailures(
            feature,
            group.rates(),
            group.now.share_of_calls(group.now.timeouts),
            users.get(feature, 0),
            timeouts.get(feature, []),
        )
        for feature, group in _grouped(counts, lambda row: row.feature).items()
    ]
    features.sort(key=lambda one: (not one.feature, -one.rates.timeouts, -one.rates.failures, one.feature))
    return features


def _reasons(counts: Iterable[_Count], key: Callable[[_Count], str]) -> dict[str, list[ReasonCount]]:
    """Of ai_failures of the window, by what ``key`` says: the commonest first."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in counts:
        if row.name == "ai_failure" and row.event_count:
            sums[key(row)][row.reason] += row.event_count
    return {
        name: [ReasonCount(*one) for one in sorted(found.items(), key=lambda one: (-one[1], one[0]))]
        for name, found in sums.items()
    }


def _by_step(question: Question, features: list[str], providers: list[str]) -> list[ProviderSteps]:
    sums: dict[tuple[str, int], _Sums] = defaultdict(_Sums)
    for row in ask("ai_failures_by_step", question, _StepCount, features=features):
        sums[row.ai_provider, row.place].tell(row.name, row.reason, row.event_count)
    places = range(len(question.steps))
    lines = [
        ProviderSteps(
            provider, [sums[provider, place].failures if (provider, place) in sums else 0 for place in places]
        )
        for provider in providers
    ]
    return [line for line in lines if any(line.failures)]
