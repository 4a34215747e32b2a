"""The steps of an incident: a copy of its runbook's, each with a time by which it should be done, and who did it.

A step is settled by a conditional update: of two people at once one wins, and the other is told who. What happens to steps is said
in the timeline of the incident.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from alerts.conditions import spoken
from alerts.incidents import timeline
from alerts.incidents.timeline import Person
from alerts.models import (
    Incident,
    IncidentEntryKind,
    IncidentState,
    IncidentStep,
    IncidentStepState,
    Notification,
    NotificationKind,
    NotificationState,
    Runbook,
)
from alerts.models.on_call import name_of
from alerts.runbooks import late
from alerts.runbooks.choosing import runbook_for

SETTLED = (IncidentStepState.DONE, IncidentStepState.SKIPPED)
OUTCOME_LENGTH = 500


class StepError(ValueError):
    """What was asked for cannot be done; the text says why, for people."""


def begin(incident: Incident, *, at: datetime) -> Runbook | None:
    """Take over the steps of the runbook that the incident follows; nothing where it has steps already. Which runbook that is."""
    with transaction.atomic():
        locked = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
        runbook = None if locked.steps.exists() else runbook_for(locked)
        if runbook is not None:
            count = _copy(runbook, locked, from_position=0)
            text = f"Follows the runbook “{runbook.name}”: {_counted(count)}."
            timeline.write(locked.pk, IncidentEntryKind.STEP, at=at, text=text, once="runbook")
    return runbook


def settle(step_id: int, *, by: Person, at: datetime, state: IncidentStepState, outcome: str = "") -> None:
    """Done or not needed, with what came of it. Raises StepError when somebody settled it before, or the incident is closed."""
    if state not in SETTLED:
        raise StepError("A step is done or not needed.")
    outcome = " ".join(outcome.replace("\x00", "").split())
    if len(outcome) > OUTCOME_LENGTH:
        raise StepError(f"What came of it has at most {OUTCOME_LENGTH} characters; write the rest as a note.")
    with transaction.atomic():
        _lock_open_incident(step_id)
        changed = IncidentStep.objects.filter(pk=step_id, state=IncidentStepState.OPEN).update(
            state=state, settled_at=at, settled_by=timeline.known(by), outcome=outcome
        )
        step = IncidentStep.objects.select_related("incident", "settled_by").get(pk=step_id)
        if not changed:
            raise StepError(f"{_who(step)} settled it before you: {step.get_state_display().lower()}{_said(step)}")
        late.hush(_late_messages([step.pk], step.incident), at=at, why="The step was settled.")
        timeline.write(step.incident_id, IncidentEntryKind.STEP, at=at, by=by, text=_settled_sentence(step))


def reopen(step_id: int, *, by: Person, at: datetime) -> None:
    """It is to do after all, by the same time. Raises StepError when it is already, or the incident is closed."""
    with transaction.atomic():
        _lock_open_incident(step_id)
        changed = IncidentStep.objects.filter(pk=step_id, state__in=SETTLED).update(
            state=IncidentStepState.OPEN, settled_at=None, settled_by=None, outcome=""
        )
        if not changed:
            raise StepError("It is open already.")
        step = IncidentStep.objects.select_related("incident").get(pk=step_id)
        # Who did not hear that it is late, because it was settled just then, is to hear it now.
        unheard = _late_messages([step_id], step.incident).filter(state=NotificationState.DROPPED, attempt_count=0)
        if unheard.delete()[0]:
            IncidentStep.objects.filter(pk=step_id).update(late_told_at=None)
        timeline.write(step.incident_id, IncidentEntryKind.STEP, at=at, by=by, text=f"{step.title}: open again.")


def switch(incident: Incident, runbook: Runbook, *, by: Person, at: datetime) -> None:
    """Follow another runbook from now on: what is settled stays, what is open makes way. Raises StepError."""
    with transaction.atomic():
        locked = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
        if locked.state == IncidentState.CLOSED:
            raise StepError("The incident is closed: reopen it first.")
        steps = list(locked.steps.select_related("runbook").order_by("position", "pk"))
        if steps and steps[-1].runbook_id == runbook.pk:
            raise StepError(f"It follows “{runbook.name}” already.")
        followed = steps[-1].runbook if steps else None
        open_ids = [step.pk for step in steps if step.state == IncidentStepState.OPEN]
        late.hush(_late_messages(open_ids, locked), at=at, why="The incident follows another runbook.")
        IncidentStep.objects.filter(pk__in=open_ids).delete()
        settled = [step for step in steps if step.pk not in open_ids]
        count = _copy(runbook, locked, from_position=max((step.position for step in settled), default=-1) + 1)
        # Who switches sees which of them are late already.
        locked.steps.filter(state=IncidentStepState.OPEN, due_at__lte=at).update(late_told_at=at)
        instead = f" instead of “{followed.name}”" if followed else ""
        text = f"Follows the runbook “{runbook.name}”{instead}: {_counted(count)}."
        timeline.write(locked.pk, IncidentEntryKind.STEP, at=at, by=by, text=text)


def took(step: IncidentStep) -> timedelta:
    """From the opening of the incident until it was settled; the step is settled, and comes with its incident."""
    assert step.settled_at is not None  # noqa: S101 - asked of settled steps alone
    return max(step.settled_at - step.incident.opened_at, timedelta())


def is_in_time(step: IncidentStep) -> bool:
    """Of a settled step."""
    return step.settled_at is not None and step.settled_at <= step.due_at


def _copy(runbook: Runbook, incident: Incident, *, from_position: int) -> int:
    steps = [
        IncidentStep(
            incident=incident, runbook=runbook, position=from_position + place, kind=step.kind, title=step.title,
            text=step.text, target_minutes=step.target_minutes,
            due_at=incident.opened_at + timedelta(minutes=step.target_minutes),
        )
        for place, step in enumerate(runbook.steps.order_by("position", "pk"))
    ]  # fmt: skip
    return len(IncidentStep.objects.bulk_create(steps))


def _lock_open_incident(step_id: int) -> None:
    """So that no one closes it, or switches its runbook, between our question and our update."""
    incident = Incident.objects.select_for_update(of=("self",), no_key=True).filter(steps=step_id).first()
    if incident is None:
        raise StepError("The step is gone: the incident follows another runbook by now.")
    if incident.state == IncidentState.CLOSED:
        raise StepError("The incident is closed: reopen it first.")


def _late_messages(step_ids: Iterable[int], incident: Incident) -> QuerySet[Notification]:
    return incident.notifications.filter(kind=NotificationKind.LATE, number__in=list(step_ids))


def _settled_sentence(step: IncidentStep) -> str:
    if step.state == IncidentStepState.SKIPPED:
        return f"{step.title}: not needed{_said(step)}"
    lateness = (
        "in time"
        if is_in_time(step)
        else f"{spoken(((step.settled_at or step.due_at) - step.due_at).total_seconds())} late"
    )
    return f"{step.title}: done after {spoken(took(step).total_seconds())}, {lateness}{_said(step)}"


def _said(step: IncidentStep) -> str:
    """The end of a sentence."""
    return f": {step.outcome}" if step.outcome else "."


def _who(step: IncidentStep) -> str:
    return name_of(step.settled_by) if step.settled_by else "Somebody"


def _counted(count: int) -> str:
    return f"{count} step" if count == 1 else f"{count} steps"
