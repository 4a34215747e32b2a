"""What people do about an incident. Its alerts follow: who has it in hand is not paged again."""

from datetime import datetime
from enum import StrEnum

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from alerts.acting import handling as alert_handling
from alerts.incidents import moving, timeline
from alerts.incidents.moving import Moved
from alerts.incidents.report import drafting
from alerts.incidents.states import FROM, Move
from alerts.incidents.timeline import Person
from alerts.models import Alert, Incident, IncidentEntryKind, IncidentSeverity
from alerts.models.on_call import name_of


class HandlingError(ValueError):
    """What was asked for cannot be done; the text says why, for people."""


def acknowledge(incident_id: int, *, by: Person, at: datetime, how: str = "") -> Moved:
    """From now on nobody is paged of the alerts that it has."""
    return _with_alerts(incident_id, Move.ACKNOWLEDGE, by=by, at=at, how=how)


def mitigate(incident_id: int, *, by: Person, at: datetime, how: str = "") -> Moved:
    return _with_alerts(incident_id, Move.MITIGATE, by=by, at=at, how=how)


def resolve(incident_id: int, *, by: Person, at: datetime, how: str = "") -> Moved:
    return _drafted(_with_alerts(incident_id, Move.RESOLVE, by=by, at=at, how=how), incident_id, at=at)


def resolve_by_rule(incident_id: int, *, at: datetime, how: str) -> Moved:
    """What is over by itself, seen or not."""
    moved = moving.move(incident_id, Move.RESOLVE, by=None, at=at, how=how, is_seen=False)
    return _drafted(moved, incident_id, at=at)


def _drafted(moved: Moved, incident_id: int, *, at: datetime) -> Moved:
    """With a draft of its report. One that cannot be drafted holds up nobody: alerts.incidents.following does it then."""
    if moved.is_done:
        drafting.draft_resolved(incident_id, at=at)
    return moved


def _with_alerts(incident_id: int, wanted: Move, *, by: Person, at: datetime, how: str) -> Moved:
    """Its alerts first: whoever is cut off in the middle finds the incident where it was, and does it again."""
    if Incident.objects.filter(pk=incident_id, state__in=FROM[wanted]).exists():
        alerts = Alert.objects.open().filter(membership__incident=incident_id, acknowledged_at=None)
        for alert_id in alerts.order_by("pk").values_list("pk", flat=True):
            alert_handling.acknowledge(
                alert_id, by=by, at=at, how=f"With incident #{incident_id}.", has_the_incident=False
            )
    return moving.move(incident_id, wanted, by=by, at=at, how=how)


def close(incident_id: int, *, by: Person, at: datetime, how: str = "") -> Moved:
    return moving.move(incident_id, Move.CLOSE, by=by, at=at, how=how)


def reopen(incident_id: int, *, by: Person, at: datetime, how: str = "") -> Moved:
    return moving.move(incident_id, Move.REOPEN, by=by, at=at, how=how)


# --- What it is, and who does what ------------------------------------------------------------------------------------


def set_severity(incident_id: int, severity: int, *, by: Person, at: datetime, why: str = "") -> bool:
    """False when it is that already. Raises HandlingError for a severity that there is not."""
    if severity not in IncidentSeverity.values:
        raise HandlingError("Choose how severe it is.")
    with transaction.atomic():
        changed = Incident.objects.filter(pk=incident_id).exclude(severity=severity).update(severity=severity)
        if changed:
            text = f"It is {IncidentSeverity(severity).label}. {why}".strip()
            timeline.write(incident_id, IncidentEntryKind.SEVERITY, at=at, text=text, by=by)
    return bool(changed)


class Role(StrEnum):
    """Who does what; the values are fields of an incident."""

    COMMANDER = "commander"
    COMMUNICATIONS_LEAD = "communications_lead"


_DOES = {Role.COMMANDER: "commands", Role.COMMUNICATIONS_LEAD: "tells users"}


def set_role(incident_id: int, role: Role, person: User | None, *, by: Person, at: datetime) -> bool:
    """Who decides, or who tells users; None: nobody any more. False when it is so already."""
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident_id)
        if getattr(incident, f"{role}_id") == (person.pk if person else None):
            return False
        setattr(incident, role, person)
        incident.save(update_fields=[role])
        text = f"{name_of(person)} {_DOES[role]}." if person else f"Nobody {_DOES[role]} any more."
        timeline.write(incident_id, IncidentEntryKind.ROLE, at=at, text=text, by=by)
    return True


def describe(
    incident_id: int, *, title: str, started_at: datetime, ended_at: datetime | None, by: Person, at: datetime
) -> bool:
    """Its title and when users were hurt. False when nothing changes. Raises HandlingError."""
    title = " ".join(title.replace("\x00", "").split())
    if not title:
        raise HandlingError("Give the incident a title: what is wrong, in a few words.")
    if len(title) > 200:
        raise HandlingError(f"A title has at most 200 characters; this one has {len(title)}.")
    if ended_at is not None and ended_at < started_at:
        raise HandlingError("It cannot be over before it began: look at the two times.")
    if started_at > at or (ended_at is not None and ended_at > at):
        raise HandlingError("Neither time can be in the future.")
    is_other = ~Q(title=title) | ~Q(started_at=started_at)
    is_other |= Q(ended_at__isnull=False) if ended_at is None else Q(ended_at=None) | ~Q(ended_at=ended_at)
    with transaction.atomic():
        row = Incident.objects.filter(is_other, pk=incident_id)
        changed = row.update(title=title, started_at=started_at, ended_at=ended_at)
        if changed:
            until = f"{ended_at:%Y-%m-%d %H:%M} UTC" if ended_at else "now"
            text = f"{title}. Users were hurt from {started_at:%Y-%m-%d %H:%M} UTC until {until}."
            timeline.write(incident_id, IncidentEntryKind.NOTE, at=at, text=text, by=by)
    return bool(changed)
