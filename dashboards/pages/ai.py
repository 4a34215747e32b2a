"""AI generation: timeouts of each feature, providers compared, and what failed how."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.charts import Dataset, over_time
from dashboards.pages.endpoints import heat_level
from dashboards.pages.links import events_link, page_link
from dashboards.pages.report_page import ReportPage, has_heard_anything
from dashboards.pages.words import counted, percent
from dashboards.reports.ai_failures import (
    AiFailures,
    AiRates,
    FeatureFailures,
    MatrixCell,
    ProviderFailures,
    ProviderSteps,
)
from dashboards.reports.verdicts import NOTHING_FAILED
from dashboards.statistics import is_apart
from events import formats

_MOST_ROWS, _MOST_COLUMNS = 100, 10
_TONES = ("error", "warning", "info", "users", "critical")
_NO_PROVIDER, _NO_FEATURE = "no provider named", "no feature named"


@dataclass(frozen=True, slots=True)
class Told:
    """Events that a number is made of; ``link`` is "" where no filter finds just them."""

    words: str
    count: int
    link: str


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """``failures`` are the events that tell of the failures; ``trend`` is "worse", "better" or ""."""

    one: ProviderFailures
    name: str
    failures: list[Told]
    calls_link: str
    trend: str


@dataclass(frozen=True, slots=True)
class FeatureLine:
    one: FeatureFailures
    name: str
    timeouts: list[Told]
    failures: list[Told]
    calls_link: str
    # "" where events of two names hurt them: no address finds users by both.
    users_link: str


@dataclass(frozen=True, slots=True)
class CellShown:
    """``level`` is a colour of the heat map; ``words`` tell what it says."""

    failures: int
    share: float | None
    level: int
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class Mode:
    """A way to fail, and how often each provider did."""

    reason: str
    counts: list[Told]


class AiPage(ReportPage):
    title = "AI generation"
    template_name = "admin/analytics/ai.html"
    report_name = "ai-failures"

    def told(self, answer: AiFailures) -> dict[str, Any]:
        providers = [_named(one.provider, _NO_PROVIDER) for one in answer.providers[:_MOST_COLUMNS]]
        return {
            "headline": headline(answer),
            "evidence": answer.verdict.evidence if answer.verdict.kind != NOTHING_FAILED else [],
            "provider_lines": [self._provider_line(one) for one in answer.providers[:_MOST_ROWS]],
            "feature_lines": [self._feature_line(one, answer.matrix) for one in answer.features[:_MOST_ROWS]],
            "more_features": max(0, len(answer.features) - _MOST_ROWS),
            "columns": providers,
            "matrix": self._matrix(answer) if len(answer.providers) > 1 and len(answer.features) > 1 else [],
            "modes": self._modes(answer.providers[:_MOST_COLUMNS]),
            "knows_calls": any(one.rates.calls for one in answer.providers),
            "charts": [self._chart(answer)] if answer.by_step else [],
            "has_heard": has_heard_anything() if not answer.providers else True,
        }

    def _events_of(self, **filters: Any) -> str:
        """The link to them; "" where a word is missing, as no filter finds what names nothing."""
        return events_link(self.question, **filters) if all(filters.values()) else ""

    def _failures(self, rates: AiRates, **of: str) -> list[Told]:
        told = [Told("ai_failure", rates.ai_failures, self._events_of(name="ai_failure", **of))]
        if rates.api_timeouts > rates.ai_timeouts:
            told.append(Told("api_timeout", rates.api_timeouts, self._events_of(name="api_timeout", **of)))
        return [one for one in told if one.count]

    def _provider_line(self, one: ProviderFailures) -> ProviderLine:
        trend = ""
        if is_apart(one.rates.rate, one.rates.rate_before):
            trend = "worse" if (one.rates.rate.share or 0) > (one.rates.rate_before.share or 0) else "better"
        return ProviderLine(
            one,
            _named(one.provider, _NO_PROVIDER),
            self._failures(one.rates, ai_provider=one.provider),
            self._events_of(name="api_response_time", ai_provider=one.provider),
            trend,
        )

    def _feature_line(self, one: FeatureFailures, matrix: Sequence[MatrixCell]) -> FeatureLine:
        feature = one.feature
        timeouts = [
            Told(
                f"ai_failure, {reason.reason}",
                reason.event_count,
                self._events_of(name="ai_failure", feature=feature, label=f"reason:{reason.reason}"),
            )
            for reason in one.timeout_reasons
        ]
        if one.rates.api_timeouts > one.rates.ai_timeouts or not timeouts:
            timeouts = [
                Told("api_timeout", one.rates.api_timeouts, self._events_of(name="api_timeout", feature=feature))
            ]
        # Cached answers name the feature and no provider: calls are found by both.
        asked = [cell.provider for cell in matrix if cell.feature == feature and cell.rates.calls]
        calls_link = (
            self._events_of(name="api_response_time", feature=feature, ai_provider=asked[0]) if len(asked) == 1 else ""
        )
        return FeatureLine(
            one,
            _named(feature, _NO_FEATURE),
            [told for told in timeouts if told.count],
            self._failures(one.rates, feature=feature),
            calls_link,
            self._users_link(one),
        )

    def _users_link(self, one: FeatureFailures) -> str:
        names = [
            name
            for name, count in (("ai_failure", one.rates.ai_failures), ("api_timeout", one.rates.api_timeouts))
            if count
        ]
        if len(names) != 1 or not one.feature:
            return ""
        return page_link("analytics_users", self.question, name=names[0], feature=one.feature)

    def _matrix(self, answer: AiFailures) -> list[tuple[str, list[CellShown | None]]]:
        """(feature, its cell for each of the first providers; None where there was neither a call nor a failure)."""
        cells = {(cell.feature, cell.provider): cell for cell in answer.matrix}
        providers = [one.provider for one in answer.providers[:_MOST_COLUMNS]]
        return [
            (
                _named(one.feature, _NO_FEATURE),
                [self._cell(cells.get((one.feature, provider))) for provider in providers],
            )
            for one in answer.features[:_MOST_ROWS]
        ]

    def _cell(self, cell: MatrixCell | None) -> CellShown | None:
        if cell is None or not (cell.rates.calls or cell.rates.failures):
            return None
        rates = cell.rates
        told = self._failures(rates, feature=cell.feature, ai_provider=cell.provider)
        words = f"{_named(cell.feature, _NO_FEATURE)}, {_named(cell.provider, _NO_PROVIDER)}: {counted(rates.failures, 'failure')}"
        words += (
            f" of {counted(rates.calls, 'call')}"
            if rates.calls >= rates.failures
            else f", {counted(rates.calls, 'call')} known"
        )
        level = heat_level(rates.failures, rates.calls)
        return CellShown(rates.failures, rates.rate.share, level, words, told[0].link if len(told) == 1 else "")

    def _modes(self, providers: Sequence[ProviderFailures]) -> list[Mode]:
        """Reasons as they are told, the commonest first; and timeouts that endpoints tell of."""
        told = [{reason.reason: reason.event_count for reason in one.reasons} for one in providers]
        totals = Counter[str]()
        for counts in told:
            totals.update(counts)
        modes = []
        for reason, _ in sorted(totals.items(), key=lambda found: (-found[1], found[0]))[:_MOST_ROWS]:
            label = f"reason:{reason}" if reason else ""
            modes.append(
                Mode(
                    reason or "no reason told",
                    [
                        Told(
                            one.provider,
                            counts.get(reason, 0),
                            self._events_of(name="ai_failure", ai_provider=one.provider, label=label),
                        )
                        for one, counts in zip(providers, told, strict=True)
                    ],
                )
            )
        if any(one.rates.api_timeouts for one in providers):
            by_endpoints = [
                Told(
                    one.provider,
                    one.rates.api_timeouts,
                    self._events_of(name="api_timeout", ai_provider=one.provider),
                )
                for one in providers
            ]
            modes.append(Mode("api_timeout, told by the endpoint", by_endpoints))
        return modes

    def _chart(self, answer: AiFailures) -> dict[str, Any]:
        shown = answer.by_step[: len(_TONES)]
        datasets = [
            Dataset(_named(line.provider, _NO_PROVIDER), tone, line.failures)
            for line, tone in zip(shown, _TONES, strict=False)
        ]
        if others := answer.by_step[len(_TONES) :]:
            datasets.append(Dataset(counted(len(others), "other"), "neutral", _sums(others)))
        return over_time(
            "lm-ai-failures",
            "AI failures by provider",
            self.question,
            datasets,
            y_label="failures",
            releases=answer.new_releases,
            incidents=self.incidents,
        )


def headline(answer: AiFailures) -> str:
    """How many timeouts per feature, and which provider fails most."""
    if not answer.providers:
        return ""
    timed_out = [one for one in answer.features if one.rates.timeouts]
    if not timed_out:
        said = "No AI feature timed out."
    else:
        worst = timed_out[0]
        share = worst.timeout_rate.share
        of_calls = f", {percent(share)} of its calls" if share is not None else ""
        name = _named(worst.feature, "events that name no feature")
        said = (
            f"{counted(answer.total.timeouts, 'timeout')} in {counted(len(timed_out), 'AI feature')}, the most in {name} "
            f"({formats.number(worst.rates.timeouts)}{of_calls})."
            if len(timed_out) > 1
            else f"{counted(worst.rates.timeouts, 'timeout')}, all of them in {name}{of_calls}."
        )
    return f"{said} {answer.verdict.sentence}"


def _named(name: str, nameless: str) -> str:
    return name or nameless


def _sums(lines: Sequence[ProviderSteps]) -> list[int]:
    return [sum(counts) for counts in zip(*(line.failures for line in lines), strict=True)]
