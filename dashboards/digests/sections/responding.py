"""How alerts and incidents were dealt with: incidents and their clocks, error budgets, what is overdue, ignored rules."""

from django.urls import reverse

from alerts.channels.message import cut, one_line
from alerts.models import IncidentState
from dashboards.digests.content import MOST_ROWS, Action, Bar, Row, Section
from dashboards.digests.sections.asking import Asked
from dashboards.digests.sections.comparing import compared, in_brief, times
from dashboards.pages.links import page_link
from dashboards.pages.words import counted, percent
from dashboards.reports.error_budgets import ErrorBudget, error_budgets, overspent
from dashboards.reports.follow_ups import OverdueFollowUp, follow_ups
from dashboards.reports.incident_times import Times, incident_times
from dashboards.reports.incidents import IncidentSpan, OpenIncident, incidents_within, open_incidents
from dashboards.reports.rule_noise import IgnoredRule, rule_noise
from dashboards.templatetags.numbers import seconds_took
from events import formats

# Rules that fire less often than that are not worth an hour.
_WORTH_MENDING = 3
# Incidents up to this severity make any day a bad one.
GRAVE = 2
# So many seconds pass before anybody could have looked: what was over by then is a line of a list.
_SHORT = 300
# So much of an incident's title stands in a subject.
_NAME = 50


def incidents(asked: Asked) -> Section:
    """What was broken, and how fast it was noticed and over."""
    opened, hurting = asked.answer(incident_times), asked.answer(incidents_within)
    ongoing = asked.answer(open_incidents)
    over = sorted((one for one in hurting if one.is_over), key=lambda one: (one.severity, -one.seconds, -one.id))
    rows = [
        *(Row(f"#{one.id} {one.title}", f"SEV{one.severity}, {_state(one)}", _page(one.id)) for one in ongoing.listed),
        *(
            Row(f"#{one.id} {one.title}", f"SEV{one.severity}, over after {seconds_took(one.seconds)}", _page(one.id))
            for one in over
        ),
    ]
    said = ""
    if opened.total.incidents or hurting or ongoing.count:
        before = asked.before
        said = (
            f"{counted(opened.total.incidents, 'incident')} opened"
            f"{compared(opened.total.incidents, opened.before.incidents, before)}; "
            f"{formats.number(ongoing.count)} open now.{_clocks(opened.total, opened.before, before)}"
        )
    return Section(
        "incidents", "Incidents", "What was broken, and how fast was it noticed and mended?",
        page_link("analytics_incidents", asked.question),
        sentence=said, is_changed=bool(opened.total.incidents or ongoing.count), rows=tuple(rows[:MOST_ROWS]),
        actions=(
            *(
                Action(f"Go on with incident #{one.id}", f"{one.title}: SEV{one.severity}, {_state(one)}", _page(one.id), 0, True)
                for one in ongoing.listed[:2]
            ),
            *_reports_due(asked),
        ),
    )  # fmt: skip


def outages(asked: Asked) -> list[IncidentSpan]:
    """Grave incidents that are over, and lasted: what a reader must hear of first though nothing burns any more.

    Those that hurt most users first, then those that lasted longest.
    """
    found = [
        one for one in asked.answer(incidents_within) if one.is_over and one.severity <= GRAVE and one.seconds >= _SHORT
    ]
    return sorted(found, key=lambda one: (-(one.users or 0), -one.seconds, one.id))


def outages_in_words(asked: Asked) -> str:
    """“stripe_checkout_error hurt 13 users in 39 min and is over”, “2 incidents, both over: … hurt 20 users in 31 min”; or "".

    Behind incidents that go on: “2 are over: …”.
    """
    found = outages(asked)
    if not found:
        return ""
    worst, count = found[0], formats.number(len(found))
    hurt = f"hurt {counted(worst.users, 'user')} in" if worst.users else "went on for"
    said = f"{cut(one_line(worst.title), _NAME)} {hurt} {seconds_took(worst.seconds)}"
    if len(found) == 1:
        return f"{said} and is over"
    if asked.answer(open_incidents).count:
        return f"{count} are over: {said}"
    return f"{count} incidents, {'both' if len(found) == 2 else 'all'} over: {said}"


def _reports_due(asked: Asked) -> list[Action]:
    """What nobody wrote down yet of the outages, as one thing to do."""
    due = [one for one in outages(asked) if not one.is_reported]
    if not due:
        return []
    worst = due[0]
    hurt = f", {counted(worst.users, 'user')} hurt" if worst.users else ""
    evidence = f"{worst.title}: SEV{worst.severity}, over after {seconds_took(worst.seconds)}{hurt}"
    if len(due) == 1:
        text, link = f"Finish the report of incident #{worst.id}", _page(worst.id)
    else:
        text, link = (
            f"Finish the reports of {counted(len(due), 'incident')}",
            page_link("analytics_incidents", asked.question),
        )
    return [Action(text, evidence, link, sum(one.users or 0 for one in due))]


def _state(one: OpenIncident) -> str:
    return IncidentState(one.state).label.lower()


def _page(incident_id: int) -> str:
    return reverse("admin:alerts_incident_change", args=[incident_id])


def _clocks(now: Times, before: Times, when: str) -> str:
    """MTTA and MTTR, of those that got so far, against the time before."""
    told = ""
    for name, done, reached, mean, mean_before in (
        ("MTTA", "acknowledged", now.acknowledged, now.mtta_seconds, before.mtta_seconds),
        ("MTTR", "resolved", now.resolved, now.mttr_seconds, before.mttr_seconds),
    ):
        if now.incidents and mean is None:
            told += f" None was {done}{' yet' if now.resolved < now.incidents else ''}."
        elif mean is not None:
            earlier = f", {seconds_took(mean_before)} {when}" if mean_before is not None else ""
            told += f" {name} {seconds_took(mean)} ({formats.number(reached)} of {formats.number(now.incidents)} {done}{earlier})."
    return told


def error_budget(asked: Asked) -> Section:
    """How much of what may fail did fail."""
    budgets = [one for one in asked.answer(error_budgets) if one.spent is not None]
    gone = overspent(budgets)
    before = asked.before
    return Section(
        "budget", "Error budget", "How much of what may fail did fail?", page_link("analytics_endpoints", asked.question),
        sentence=_spent_in_words(budgets, gone, before) if budgets else "",
        is_changed=bool(asked.before) and any((one.spent_before or 0) <= 1 for one in gone),
        rows=tuple(
            Row(
                f"{one.name} ({_objective(one)})",
                f"{_spent(one.spent)} spent: {_failed(one)}", _rule(one.rules[0]),
            )
            for one in budgets[:MOST_ROWS]
        ),
        bars=tuple(Bar(one.name, round(100 * (one.spent or 0), 1), _spent(one.spent)) for one in budgets[:5])
        if len(budgets) > 1 else (),
        bars_caption="Spent of what may fail in this time" if len(budgets) > 1 else "",
        actions=tuple(
            Action(
                f"Put reliability first: the error budget of {_objective(one)} is gone",
                f"{_failed(one)}, {_spent(one.spent)} of the budget",
                page_link("analytics_endpoints", asked.question),
            )
            for one in gone[:1]
        ),
    )  # fmt: skip


def _spent_in_words(budgets: list[ErrorBudget], gone: list[ErrorBudget], before: str) -> str:
    """“The error budget of 99.5 % was spent 8.5 × over (60 % the week before): 700 of 100,000 requests failed.”"""
    worst = budgets[0]
    earlier = f" ({_spent(worst.spent_before)} {before})" if before and worst.spent_before is not None else ""
    of = f"The error budget of {_objective(worst)}"
    said = (
        f"{of} was spent {times(worst.spent or 0)} over{earlier}" if worst in gone else f"{_spent(worst.spent)} of the error "
        f"budget of {_objective(worst)} was spent{earlier}"
    )  # fmt: skip
    said += f": {_failed(worst)}."
    if len(budgets) > 1:
        said += f" {formats.number(len(gone))} of {counted(len(budgets), 'budget')} {'is' if len(gone) == 1 else 'are'} spent."
    return said


def _failed(one: ErrorBudget) -> str:
    return f"{formats.number(one.failures)} of {counted(one.requests, 'request')} failed"


def _objective(one: ErrorBudget) -> str:
    """“99.5 %”."""
    return formats.percent(formats.shortest(100 * one.objective))


def _spent(share: float | None) -> str:
    """“60 %”, “8.5 ×” of the budget."""
    return times(share) if share is not None and share > 2 else percent(share)


def _rule(rule_id: int) -> str:
    return reverse("admin:alerts_alertrule_change", args=[rule_id])


def follow_ups_overdue(asked: Asked) -> Section:
    """Was done what an incident taught us?"""
    answer = asked.answer(follow_ups)
    return Section(
        "follow_ups", "Follow-ups", "Was done what an incident taught us?",
        reverse("admin:alerts_followup_changelist"),
        sentence=(
            f"{counted(answer.overdue, 'follow-up')} overdue, of {formats.number(answer.open)} open; "
            f"{formats.number(answer.done)} done in this time."
            if answer.overdue else ""
        ),
        is_changed=bool(answer.overdue),
        rows=tuple(
            Row(f"{one.text[:120]} ({one.owner or 'nobody’s'})", f"due {formats.day(one.due_on)}", _page(one.incident_id))
            for one in answer.listed[:MOST_ROWS]
        ),
        actions=tuple(_do(one) for one in answer.listed[:1]),
    )  # fmt: skip


def _do(one: OverdueFollowUp) -> Action:
    return Action(
        f"Do or drop: {one.text[:120]}", f"due {formats.day(one.due_on)}, incident #{one.incident_id}, {one.owner or 'nobody’s'}",
        _page(one.incident_id),
    )  # fmt: skip


def ignored_rules(asked: Asked) -> Section:
    """Rules that fired and nobody acted on."""
    answer = asked.answer(rule_noise)
    ignored = answer.ignored
    alerts = sum(one.fired for one in ignored)
    said = (
        f"{counted(len(ignored), 'rule')} fired {counted(alerts, 'time')}{_fired_before(ignored, asked)}, and nobody did "
        f"anything about any of it; {counted(answer.rules, 'rule')} fired {formats.number(answer.fired)} times in all."
    )
    return Section(
        "noise", "Rules that nobody acts on", "Which rules fire and change nothing?",
        reverse("admin:alerts_alertrule_changelist"), sentence=said if ignored else "",
        is_changed=bool(asked.before) and any(one.fired >= _WORTH_MENDING and not one.fired_before for one in ignored),
        rows=tuple(
            Row(one.name, f"fired {counted(one.fired, 'time')}{in_brief(one.fired_before, asked.before)}", _rule(one.rule_id))
            for one in ignored[:MOST_ROWS]
        ),
        actions=tuple(
            Action(
                f"Make “{one.name}” stricter, or switch it off", f"fired {counted(one.fired, 'time')}, nobody acted",
                _rule(one.rule_id),
            )
            for one in ignored[:1] if one.fired >= _WORTH_MENDING
        ),
    )  # fmt: skip


def _fired_before(ignored: list[IgnoredRule], asked: Asked) -> str:
    now, before = sum(one.fired for one in ignored), sum(one.fired_before for one in ignored)
    return compared(now, before, asked.before)
