"""The only writer of incidents' states: a move happens when the incident is where it may begin, so that of two at once one wins."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce, Greatest

from alerts.incidents import timeline
from alerts.incidents.states import FROM, LEAVES, REACHES, TO, Move
from alerts.incidents.timeline import Person
from alerts.models import Incident, IncidentEntry, IncidentEntryKind, IncidentState

_PAST = {
    Move.ACKNOWLEDGE: "acknowledged",
    Move.MITIGATE: "mitigated",
    Move.RESOLVE: "resolved",
    Move.CLOSE: "closed",
    Move.REOPEN: "opened again",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """Whether it was this call that moved it; ``told`` says to the person what is so now, and who did it where it was not they."""

    is_done: bool
    told: str


def move(incident_id: int, wanted: Move, *, by: Person, at: datetime, how: str = "", is_seen: bool = True) -> Moved:
    """``how``: a note that goes with it, or the rule that did it. ``is_seen``: False for a rule: nobody has seen it by that."""
    with transaction.atomic():
        reached = {name: Coalesce(F(name), at) for name in REACHES[wanted] if is_seen or name != "acknowledged_at"}
        left = dict.fromkeys(LEAVES.get(wanted, ()))
        ends: dict[str, object] = {}
        if wanted in (Move.MITIGATE, Move.RESOLVE):
            # Nobody is hurt any more, unless somebody said before since when.
            ends["ended_at"] = Coalesce(F("ended_at"), Greatest(F("started_at"), at))
        if wanted is Move.REOPEN:
            ends["ended_at"] = None
        movable = Incident.objects.filter(pk=incident_id, state__in=FROM[wanted])
        to = _begins_anew() if wanted is Move.REOPEN and not is_seen else Value(TO[wanted])
        changed = movable.update(state=to, **reached, **left, **ends)
        if not changed:
            return Moved(False, _what_is_so(incident_id))
        text = f"{_PAST[wanted].capitalize()}. {how}".strip()
        state = Incident.objects.values_list("state", flat=True).get(pk=incident_id)
        timeline.write(incident_id, IncidentEntryKind.STATE, at=at, text=text, by=by, state=IncidentState(state))
    return Moved(True, f"The incident is {_PAST[wanted]}.")


def _begins_anew() -> Case:
    """What a rule opens again is in the hands of who acknowledged it before, if anybody did."""
    return Case(When(acknowledged_at=None, then=Value(IncidentState.TRIGGERED)), default=Value(TO[Move.REOPEN]))


def _what_is_so(incident_id: int) -> str:
    incident = Incident.objects.filter(pk=incident_id).first()
    if incident is None:
        return "The incident is gone."
    last = (
        IncidentEntry.objects.filter(incident=incident, kind=IncidentEntryKind.STATE)
        .select_related("actor")
        .order_by("-at", "-pk")
        .first()
    )
    who = f" {last.actor.get_username()} did it at {last.at:%H:%M} UTC." if last and last.actor else ""
    when = f" It was done at {last.at:%H:%M} UTC by a rule." if last and last.actor is None else ""
    return f"Nothing changed: the incident is {incident.get_state_display().lower()} already.{who or when}"
