"""Trial conversion, as staff see it."""

from dataclasses import dataclass
from typing import Any

from dashboards.charts import Dataset, over_time
from dashboards.pages.links import events_link
from dashboards.pages.report_page import ReportPage, has_heard_anything
from dashboards.pages.words import counted, percent
from dashboards.reports.releases import new_releases
from dashboards.reports.trial_conversion import TimeColumn, TrialConversion, TrialOutcome, TrialType
from dashboards.window import DAY, HOUR
from events import formats

_MOST_ROWS = 100
_HOUR_MS, _DAY_MS = HOUR.total_seconds() * 1000, DAY.total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class TypeLine:
    """``converted`` and ``expired`` are None where no trial ended so."""

    trial: TrialType
    converted: TrialOutcome | None
    expired: TrialOutcome | None
    link: str
    converted_link: str
    expired_link: str


class TrialsPage(ReportPage):
    title = "Trial conversion"
    template_name = "admin/analytics/trials.html"
    report_name = "trial-conversion"
    default_window = "30d"

    def told(self, answer: TrialConversion) -> dict[str, Any]:
        return {
            "headline": headline(answer),
            "lines": [self._line(trial, answer) for trial in answer.types[:_MOST_ROWS]],
            "more": max(0, len(answer.types) - _MOST_ROWS),
            "ended_link": events_link(self.question, name="trial_conversion"),
            "converted_link": events_link(self.question, name="trial_conversion", label="converted:true"),
            "failing": [
                ("Converted", answer.before_converting),
                ("Expired", answer.before_expiring),
            ],
            "failing_words": failing_in_words(answer),
            "chart": self._chart(answer) if answer.rate.total else None,
            "times_chart": _times_chart(answer.times) if answer.times else None,
            "has_heard": bool(answer.types) or has_heard_anything(),
        }

    def _line(self, trial: TrialType, answer: TrialConversion) -> TypeLine:
        outcomes = {one.outcome: one for one in answer.outcomes if one.trial_type == trial.trial_type}
        of_type = f"trial_type:{trial.trial_type}" if trial.trial_type else "-trial_type"

        def link(*labels: str) -> str:
            return events_link(self.question, name="trial_conversion", label=labels)

        return TypeLine(
            trial,
            outcomes.get("converted"),
            outcomes.get("expired"),
            link(of_type),
            link(of_type, "converted:true"),
            link(of_type, "-converted:true"),
        )

    def _chart(self, answer: TrialConversion) -> dict[str, Any]:
        return over_time(
            "lm-trials",
            "Trials that ended",
            self.question,
            [
                Dataset("Converted", "info", [step.converted for step in answer.steps]),
                Dataset("Expired", "neutral", [step.expired for step in answer.steps]),
            ],
            y_label="trials",
            releases=new_releases(self.question),
            incidents=self.incidents,
        )


def headline(answer: TrialConversion, before_words: str = "in the window before") -> str:
    """How many convert, and whether that is more or less than before, which ``before_words`` name."""
    rate, before = answer.rate, answer.rate_before
    if not rate.total:
        return (
            ""
            if not before.total
            else f"No trial ended in this window, {formats.number(before.total)} in the one before."
        )
    words = (
        f"{formats.number(rate.count)} of {counted(rate.total, 'trial')} that ended converted: {percent(rate.share)}"
    )
    if before.total:
        words += f", {percent(before.share)} {before_words}"
        words += f"; that is {answer.trend}, beyond chance." if answer.trend else ", which may be chance."
    else:
        words += "."
    named = [trial for trial in answer.types if trial.trial_type and trial.rate.total]
    if len(named) > 1:
        # By what is sure: one conversion of two trials is not the best of all.
        best = max(named, key=lambda trial: trial.rate.low)
        words += f" {best.trial_type} converts best, {percent(best.rate.share)}."
    return words


def failing_in_words(answer: TrialConversion) -> str:
    """Whether failures stand in the way of converting."""
    converted, expired = answer.before_converting, answer.before_expiring
    if not converted.met.total or not expired.met.total:
        return "There is nothing to compare: users of one outcome alone are known."
    words = (
        f"{percent(expired.met.share)} of the users whose trial expired had met a failure before, "
        f"and {percent(converted.met.share)} of those who converted"
    )
    if not answer.is_failing_apart:
        return f"{words}. That difference may be chance."
    if (expired.met.share or 0) > (converted.met.share or 0):
        return f"{words}. That is more, beyond chance: failures may have cost conversions."
    return f"{words}. That is less, beyond chance: whoever uses more meets more failures, and converts more often."


def _times_chart(columns: list[TimeColumn]) -> dict[str, Any]:
    return {
        "id": "lm-trial-times",
        "caption": f"Time to convert of {counted(sum(column.count for column in columns), 'trial')}",
        "type": "bar",
        "labels": [_label(column) for column in columns],
        "datasets": [{"label": "Converted", "tone": "info", "data": [column.count for column in columns]}],
        "y_label": "trials",
    }


def _label(column: TimeColumn) -> str:
    """``6–12 h``, ``2–3 days``, ``203 days or more``."""
    is_of_days = column.to_ms is None or (column.to_ms - column.from_ms) >= _DAY_MS
    unit_ms, unit = (_DAY_MS, "days") if is_of_days else (_HOUR_MS, "h")
    start = round(column.from_ms / unit_ms)
    return f"{start} {unit} or more" if column.to_ms is None else f"{start}–{round(column.to_ms / unit_ms)} {unit}"
