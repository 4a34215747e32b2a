"""Error budgets: how much of what may fail did fail, by the objectives of the rules that watch how fast it burns."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.conditions import BurnRateCondition, ConditionError
from alerts.judging.grouping import Catalogue, Members, Tally
from alerts.matching import Match, Words
from alerts.models import AlertRule, ConditionType
from dashboards.reports.question import Question
from dashboards.reports.runner import ask


@dataclass(frozen=True, slots=True)
class ErrorBudget:
    """Of one objective (0.995: five of a thousand requests may fail) for what ``rules`` (ids) watch; ``name`` is the first's.

    ``spent`` is the share of the window's budget that failures used up: 1 for all of it, 2 for twice as much. None with fewer
    requests than the rule judges by.
    """

    rules: list[int]
    name: str
    objective: float
    requests: int
    failures: int
    spent: float | None
    spent_before: float | None


@dataclass(frozen=True, slots=True)
class _Row:
    service_id: int
    environment: str
    endpoint: str
    name: str
    severity: str
    is_bad_answer: bool
    event_count: int
    event_count_before: int


@dataclass(frozen=True, slots=True)
class _Objective:
    match: Match
    objective: float
    least_volume: int


def error_budgets(question: Question) -> list[ErrorBudget]:
    """The most spent first. Failures and requests are counted as the rules count them; groups are taken together.

    Two queries, one where no rule watches a budget.
    """
    objectives = _objectives()
    rows = ask("error_budget_counts", question, _Row) if objectives else []
    catalogue = Catalogue()
    for number, row in enumerate(rows):
        labels = {"status": "5xx"} if row.is_bad_answer else {}
        catalogue.add(number, Words(row.service_id, row.name, row.severity, row.endpoint, row.environment, "", labels))
    found = [_budget(one, rules, rows, catalogue) for one, rules in objectives.items()]
    return sorted(found, key=lambda one: (-(one.spent or 0.0), one.rules))


def _objectives() -> dict[_Objective, list[AlertRule]]:
    """A fast and a slow rule often watch the same."""
    found: dict[_Objective, list[AlertRule]] = {}
    for rule in AlertRule.objects.filter(is_enabled=True, condition=ConditionType.BURN_RATE).order_by("pk"):
        try:
            condition = rule.parsed()
        except ConditionError:  # which the page of rules tells
            continue
        if isinstance(condition, BurnRateCondition):
            key = _Objective(rule.match, condition.objective, condition.least_volume)
            found.setdefault(key, []).append(rule)
    return found


def _budget(of: _Objective, rules: list[AlertRule], rows: list[_Row], catalogue: Catalogue) -> ErrorBudget:
    members = Members(of.match, (), catalogue).found()
    now, before = Tally(), Tally()
    for number, member in members.items():
        now.add(member, rows[number].event_count)
        before.add(member, rows[number].event_count_before)
    counted = now.counted()
    return ErrorBudget(
        [rule.pk for rule in rules], rules[0].name, of.objective, counted.requests, counted.failures,
        _spent(now, of), _spent(before, of),
    )  # fmt: skip


def _spent(tally: Tally, of: _Objective) -> float | None:
    counted = tally.counted()
    if counted.requests < of.least_volume:
        return None
    return min(counted.failures, counted.requests) / max(counted.requests, 1) / (1 - of.objective)


def overspent(budgets: Iterable[ErrorBudget]) -> list[ErrorBudget]:
    return [one for one in budgets if one.spent is not None and one.spent > 1]
