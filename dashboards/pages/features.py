"""Feature adoption, as staff see it."""

from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from dashboards.charts import Dataset, over_time
from dashboards.pages.links import events_link, page_link
from dashboards.pages.report_page import ReportPage, has_heard_anything
from dashboards.pages.words import bounds, counted, joined, percent
from dashboards.reports.feature_adoption import Cohort, FeatureAdoption, FeatureUse, Return, UnusedFeature
from dashboards.reports.releases import new_releases
from dashboards.window import DAY, Span
from events import formats

_MOST_ROWS = 100
_MOST_NAMED = 3
# From which share of a cohort on a cell of the triangle has the next colour.
_LEVELS = (0.05, 0.1, 0.2, 0.4, 0.6)


@dataclass(frozen=True, slots=True)
class FeatureLine:
    use: FeatureUse
    uses_link: str
    failures_link: str
    # "" for uses that name no feature: nobody is hurt by those.
    users_link: str


@dataclass(frozen=True, slots=True)
class UnusedLine:
    unused: UnusedFeature
    last_use_link: str
    failures_link: str


@dataclass(frozen=True, slots=True)
class ReturnCell:
    """``level`` is 0 (nobody) to 6; ``words`` tell what the colour says."""

    share: float | None
    level: int
    words: str
    is_over: bool


@dataclass(frozen=True, slots=True)
class CohortLine:
    label: str
    users: int
    cells: list[ReturnCell]
    # Weeks of the triangle that are still to come.
    to_come: range


class FeaturesPage(ReportPage):
    title = "Feature adoption"
    template_name = "admin/analytics/features.html"
    report_name = "feature-adoption"
    default_window = "7d"

    def told(self, answer: FeatureAdoption) -> dict[str, Any]:
        weeks = max((len(cohort.returns) for cohort in answer.cohorts), default=0)
        # Filters that nothing comes through: what nobody used there says nothing.
        is_empty = self.controls.is_narrowed and not (
            answer.features
            or answer.adoption.total
            or any(one.failures or one.last_used_on is not None for one in answer.unused)
        )
        return {
            "is_empty": is_empty,
            "headline": "" if is_empty else headline(answer),
            "lines": [self._line(use) for use in answer.features[:_MOST_ROWS]],
            "more": max(0, len(answer.features) - _MOST_ROWS),
            "unused_lines": [self._unused(unused) for unused in answer.unused[:_MOST_ROWS]],
            "more_unused": max(0, len(answer.unused) - _MOST_ROWS),
            "cohorts": [self._cohort(cohort, weeks) for cohort in answer.cohorts],
            "weeks": range(1, weeks + 1),
            "chart": self._chart(answer) if answer.features else None,
            "has_heard": bool(answer.features or answer.unused) or has_heard_anything(),
        }

    def _line(self, use: FeatureUse) -> FeatureLine:
        named: dict[str, Any] = {"feature": use.feature} if use.feature else {"label": "-feature"}
        return FeatureLine(
            use,
            events_link(self.question, name="feature_used", **named),
            events_link(self.question, severity="failures", **named),
            page_link("analytics_users", self.question, feature=use.feature) if use.feature else "",
        )

    def _unused(self, unused: UnusedFeature) -> UnusedLine:
        link = ""
        if unused.last_used_on is not None:
            day = datetime.combine(unused.last_used_on, time(), UTC)
            link = events_link(self.question, span=Span(day, day + DAY), name="feature_used", feature=unused.feature)
        return UnusedLine(unused, link, events_link(self.question, severity="failures", feature=unused.feature))

    def _cohort(self, cohort: Cohort, weeks: int) -> CohortLine:
        local = cohort.start.astimezone(self.question.zone)
        return CohortLine(
            f"{local.day} {local:%b}",
            cohort.users,
            [_cell(one) for one in cohort.returns],
            range(weeks - len(cohort.returns)),
        )

    def _chart(self, answer: FeatureAdoption) -> dict[str, Any]:
        return over_time(
            "lm-feature-uses",
            "Uses of all features",
            self.question,
            [Dataset("Uses", "users", [step.usage_count for step in answer.steps])],
            y_label="uses",
            releases=new_releases(self.question),
            incidents=self.incidents,
        )


def headline(answer: FeatureAdoption) -> str:
    """Who uses what, and what nobody uses."""
    named = [use for use in answer.features if use.feature]
    if not answer.features:
        if not answer.unused:
            return ""
        return f"No feature was used in this window; {counted(len(answer.unused), 'feature')} had been heard of."
    known = len(named) + len(answer.unused)
    adoption = answer.adoption
    words = f"{formats.number(len(named))} of {counted(known, 'feature')} {'was' if len(named) == 1 else 'were'} used"
    if adoption.count:
        words += f", by {formats.number(adoption.count)} of {counted(adoption.total, 'active user')}"
    words += "."
    most = max(named, key=lambda use: use.unique_users, default=None)
    if most is not None and most.unique_users:
        words += f" {most.feature} has the most: {counted(most.unique_users, 'user')}."
    if answer.unused:
        names = [unused.feature for unused in answer.unused[:_MOST_NAMED]]
        if len(answer.unused) > _MOST_NAMED:
            names.append(f"{formats.number(len(answer.unused) - _MOST_NAMED)} more")
        words += f" Nobody used {joined(names)}."
    return words


def _cell(one: Return) -> ReturnCell:
    share = one.share.share or 0.0
    level = 1 + sum(share >= least for least in _LEVELS) if share else 0
    words = f"{formats.number(one.share.count)} of {formats.number(one.share.total)}, {percent(share)} ({bounds(one.share)})"
    return ReturnCell(one.share.share, level, words if one.is_over else f"{words} so far", one.is_over)
