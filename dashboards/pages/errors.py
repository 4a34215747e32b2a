"""Top errors: what failed most, and what is new, rising or falling."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils.http import urlencode

from dashboards.charts import Dataset, over_time
from dashboards.pages.links import events_link, page_link, slug_of
from dashboards.pages.report_page import ReportPage, has_heard_anything
from dashboards.pages.words import counted, first_of, joined
from dashboards.reports.question import Question
from dashboards.reports.releases import new_releases
from dashboards.reports.top_errors import ErrorRow, TopErrors
from dashboards.reports.trends import FEWEST_DAYS
from dashboards.window import PRESETS
from events.models import Issue
from events.rollup_tables import FAILURES
from events.templatetags.moments import ago

_MOST_ROWS = 100
_LONGEST = 200
# What the guide's own query looks for in names.
_GUIDE = "error"
# Told apart by their order; what they are is written beside them.
_TONES = ("error", "warning", "info", "users", "critical")


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """``issues`` are those of that name, None for a reader who may not see any; ``usual`` is "" when nothing is known."""

    row: ErrorRow
    services: str
    link: str
    users_link: str
    issues: int | None
    issues_link: str
    last_seen: str
    usual: str


class TopErrorsPage(ReportPage):
    title = "Top errors"
    template_name = "admin/analytics/errors.html"
    report_name = "top-errors"

    def subjects(self) -> dict[str, str]:
        contains = self.request.GET.get("contains", "").replace("\x00", "").strip()[:_LONGEST]
        return {"contains": contains} if contains else {}

    def told(self, answer: TopErrors) -> dict[str, Any]:
        contains = self.subjects().get("contains", "")
        shown = answer.errors[:_MOST_ROWS]
        issues = self._issues({row.name for row in shown}) if self.request.user.has_perm("events.view_issue") else None
        slug = slug_of(self.question.filters) if issues else ""
        return {
            "headline": headline(answer, contains),
            "contains": contains,
            "choices": [
                ("All failures", page_link("analytics_errors", self.question), not contains),
                (
                    f"Names with “{_GUIDE}”",
                    page_link("analytics_errors", self.question, contains=_GUIDE),
                    contains == _GUIDE,
                ),
            ],
            "lines": [self._line(row, issues, slug) for row in shown],
            "more": max(0, len(answer.errors) - _MOST_ROWS),
            "missing": self._missing(answer) if any(row.trend.kind == "unknown" for row in shown) else "",
            "chart": self._chart(answer) if answer.charted else None,
            "has_heard": bool(answer.errors) or has_heard_anything(),
        }

    def _missing(self, answer: TopErrors) -> str:
        """What it takes to say what is usual."""
        if answer.is_same_hours:
            return f"the same hours of {FEWEST_DAYS} earlier days"
        return f"{FEWEST_DAYS} earlier windows as long as this one"

    def _line(self, row: ErrorRow, issues: dict[str, int] | None, slug: str) -> ErrorLine:
        events = events_link(self.question, name=row.name, severity=row.severity)
        usual = row.trend.usual
        return ErrorLine(
            row,
            joined([self.service_name(service_id) for service_id in row.service_ids])
            if len(self.controls.services) > 1
            else "",
            events,
            affected_link(self.question, row),
            None if issues is None else issues.get(row.name, 0),
            self._issues_link(row.name, slug),
            ago(row.last_seen_at, now=self.question.window.now),
            "" if usual is None else f"{usual:,.0f}" if usual == int(usual) else f"{usual:,.1f}",
        )

    def _issues(self, names: set[str]) -> dict[str, int]:
        """How many issues of each name there are; of those that were seen in the window when the list of issues can say so."""
        window, filters = self.question.window, self.question.filters
        issues = Issue.objects.visible().filter(name__in=names)
        if window.name in PRESETS:
            issues = issues.filter(last_seen_at__gte=window.now - PRESETS[window.name])
        if filters.services:
            issues = issues.filter(service__in=filters.services)
        return dict(issues.values_list("name").annotate(total=Count("pk")))

    def _issues_link(self, name: str, slug: str) -> str:
        window = self.question.window.name
        words = {"status": "all", "name": name, "seen": window if window in PRESETS else "", "service": slug}
        return f"{reverse('admin:events_issue_changelist')}?{urlencode({word: value for word, value in words.items() if value})}"

    def _chart(self, answer: TopErrors) -> dict[str, Any]:
        datasets = [
            Dataset(f"{one.name} ({one.severity})", tone, one.event_counts)
            for one, tone in zip(answer.charted, _TONES, strict=False)
        ]
        if any(answer.others):
            datasets.append(Dataset("Others", "neutral", answer.others))
        return over_time(
            "lm-top-errors",
            "The most frequent ones over time",
            self.question,
            datasets,
            y_label="events",
            releases=new_releases(self.question),
            incidents=self.incidents,
            subjects=self.subjects(),
        )


def affected_link(question: Question, row: ErrorRow) -> str:
    """The users whom it affected; of what is no failure, its events."""
    if row.severity in FAILURES:
        return page_link("analytics_users", question, name=row.name, severity=row.severity)
    return events_link(question, name=row.name, severity=row.severity)


def headline(answer: TopErrors, contains: str) -> str:
    """What a person in a hurry must know."""
    if not answer.errors:
        return ""
    first = answer.errors[0]
    what = f"with “{contains}” in their name" if contains else ""
    words = (
        f"{counted(answer.event_count, 'event' if contains else 'failure')} {what}".rstrip()
        + f" of {counted(len(answer.errors), 'kind')} affected {counted(answer.affected_users, 'user')}. "
        f"The most frequent is {first.name}: {counted(first.event_count, 'time')}"
        f"{f', {counted(first.affected_users, "user")}' if first.affected_users else ''}."
    )
    for kind, said in (("new", "New"), ("rising", "Rising")):
        names = list(dict.fromkeys(row.name for row in answer.errors if row.trend.kind == kind))
        if names:
            words += f" {said}: {first_of(names)}."
    return words
