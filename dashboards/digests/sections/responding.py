"""How alerts and incidents were dealt with: what is open, what is overdue, and rules that fire and nobody acts on."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.urls import reverse

from alerts.models import AlertRule, FollowUp, Incident
from alerts.rules.noise import noise_of
from dashboards.digests.content import MOST_ROWS, Action, Row, Section
from dashboards.digests.sections.asking import Asked
from dashboards.pages.words import counted

_MINUTE = timedelta(minutes=1)


def incidents(asked: Asked) -> Section:
    """Those that hurt somebody in the period."""
    window = asked.question.window
    found = Incident.objects.within(window.start, window.end)
    if asked.question.filters.service_id is not None:
        found = found.filter(Q(service=asked.question.filters.service_id) | Q(service=None))
    rows = list(found.order_by("severity", "-opened_at"))
    ongoing = [one for one in rows if one.is_ongoing]
    link = reverse("admin:alerts_incident_changelist")
    said = ""
    if rows:
        said = f"{counted(len(rows), 'incident')}, {len(ongoing)} of them still open."
        said += _clocks(rows)
    return Section(
        "incidents", "Incidents", "What was broken, and how fast was it noticed and mended?", link,
        sentence=said, is_changed=bool(rows),
        rows=tuple(
            Row(f"#{one.pk} {one.title}", f"SEV{one.severity}, {one.get_state_display().lower()}", _page(one))
            for one in [*ongoing, *(one for one in rows if not one.is_ongoing)][:MOST_ROWS]
        ),
        actions=tuple(
            Action(f"Go on with incident #{one.pk}", f"{one.title}: {one.get_state_display().lower()}", _page(one), 0, True)
            for one in ongoing[:2]
        ),
    )  # fmt: skip


def _page(incident: Incident) -> str:
    return reverse("admin:alerts_incident_change", args=[incident.pk])


def _clocks(rows: list[Incident]) -> str:
    """The middle of the times until somebody had them in hand and until they were over, of those that got so far."""
    told = ""
    for words, column in (("acknowledged", "acknowledged_at"), ("resolved", "resolved_at")):
        took = sorted(reached - one.opened_at for one in rows if (reached := getattr(one, column)) is not None)
        if took:
            middle = took[len(took) // 2]
            told += f" {words.capitalize()} after {middle / _MINUTE:,.0f} min in the middle ({len(took)})."
    return told


def follow_ups(asked: Asked) -> Section:
    """What was to be done by now."""
    today = asked.question.window.end.astimezone(asked.question.zone).date()
    overdue = FollowUp.objects.filter(done_at=None, due_on__lt=today).select_related("owner", "incident")
    rows = list(overdue.order_by("due_on", "pk"))
    return Section(
        "follow_ups", "Follow-ups", "Was done what an incident taught us?",
        reverse("admin:alerts_incident_changelist"),
        sentence=f"{counted(len(rows), 'follow-up')} overdue." if rows else "", is_changed=bool(rows),
        rows=tuple(
            Row(
                f"{one.text[:120]} ({one.owner.get_username() if one.owner else 'nobody’s'})", f"due {one.due_on}",
                _page(one.incident),
            )
            for one in rows[:MOST_ROWS]
        ),
        actions=tuple(
            Action(f"Do or drop: {one.text[:120]}", f"due {one.due_on}, incident #{one.incident_id}", _page(one.incident))
            for one in rows[:1]
        ),
    )  # fmt: skip


def rule_noise(asked: Asked) -> Section:
    """Rules that fired and nobody acted on."""
    now: datetime = asked.question.window.now
    rules = {one.pk: one for one in AlertRule.objects.filter(is_enabled=True)}
    noisy = sorted(
        ((pk, one) for pk, one in noise_of(rules, now=now).items() if one.is_only_noise),
        key=lambda found: (-found[1].fired, found[0]),
    )
    page = "admin:alerts_alertrule_change"
    return Section(
        "noise", "Rules that nobody acts on", "Which rules fire and change nothing?",
        reverse("admin:alerts_alertrule_changelist"),
        sentence=f"{counted(len(noisy), 'rule')} fired in 30 days and nobody did anything about it." if noisy else "",
        rows=tuple(
            Row(str(rules[pk]), f"fired {one.fired} times", reverse(page, args=[pk])) for pk, one in noisy[:MOST_ROWS]
        ),
        actions=tuple(
            Action(
                f"Raise the threshold of “{rules[pk]}”, or switch it off", f"fired {one.fired} times, nobody acted",
                reverse(page, args=[pk]),
            )
            for pk, one in noisy[:1]
        ),
    )  # fmt: skip
