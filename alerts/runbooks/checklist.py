"""The steps of an incident as a list to work through: what each asks for, and how its clock stands, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.durations import written
from alerts.models import Incident, IncidentStep, IncidentStepState
from alerts.models.on_call import name_of
from alerts.runbooks import writing
from alerts.runbooks.steps import is_in_time, took

_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Item:
    """``clock``: “due in 3 min”, “4 min late”, “done by Ada after 2 min, in time”. ``tone``: due, late, good, bad or none.

    ``html``: what to do, safe to show. ``is_next``: the one to do now.
    """

    step: IncidentStep
    clock: str
    tone: str
    html: str
    is_next: bool

    @property
    def is_open(self) -> bool:
        return self.step.state == IncidentStepState.OPEN


def checklist(incident: Incident, *, now: datetime) -> list[Item]:
    """In the order of the runbook; one query."""
    steps = list(incident.steps.select_related("settled_by").order_by("position", "pk"))
    for step in steps:
        step.incident = incident
    first_open = next((step.pk for step in steps if step.state == IncidentStepState.OPEN), None)
    return [
        Item(step, *_clock(step, now), html=writing.as_html(step.text), is_next=step.pk == first_open) for step in steps
    ]


def in_words(items: Sequence[Item]) -> str:
    """“2 of 4 done, 1 late”."""
    settled, late = sum(not one.is_open for one in items), sum(one.tone == "late" for one in items)
    return f"{settled} of {len(items)} done{f', {late} late' if late else ''}"


def _clock(step: IncidentStep, now: datetime) -> tuple[str, str]:
    if step.state != IncidentStepState.OPEN:
        return _settled(step)
    if not step.incident.is_ongoing:
        return "not done before the incident was over", "none"
    seconds = int((step.due_at - now).total_seconds())
    if seconds <= -_MINUTE:
        return f"{_minutes(-seconds)} late", "late"
    if seconds <= 0:
        return "late since just now", "late"
    return f"due in {_minutes(seconds) if seconds >= _MINUTE else 'less than a minute'}", "due"


def _settled(step: IncidentStep) -> tuple[str, str]:
    by = f" by {name_of(step.settled_by)}" if step.settled_by else ""
    seconds = int(took(step).total_seconds())
    after = _minutes(seconds) if seconds >= _MINUTE else "less than a minute"
    if step.state == IncidentStepState.SKIPPED:
        return f"not needed, said{by} after {after}", "none"
    if is_in_time(step):
        return f"done{by} after {after}, in time", "good"
    late = int(((step.settled_at or step.due_at) - step.due_at).total_seconds())
    return f"done{by} after {after}, {_minutes(late) if late >= _MINUTE else 'less than a minute'} late", "bad"


def _minutes(seconds: int) -> str:
    return written(seconds - seconds % _MINUTE)
