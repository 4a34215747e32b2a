"""Late steps escalate: each that is past its time while its incident goes on is told of once.

Acknowledging the incident stops nothing here: somebody has it, and the step is late all the same. What settles the step does.
"""

from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from alerts.incidents import timeline
from alerts.models import (
    Alert,
    Channel,
    ChannelKind,
    ContactPoint,
    Incident,
    IncidentEntryKind,
    IncidentState,
    IncidentStep,
    IncidentStepState,
    MaintenanceWindow,
    Notification,
    NotificationKind,
    NotificationState,
    Silence,
)
from alerts.models.incident import ONGOING
from alerts.models.on_call import name_of
from alerts.outbox import lateness, muting, quiet_hours, telling

logger = structlog.get_logger(__name__)
_AT_ONCE = 200
_OVER = (IncidentState.RESOLVED, IncidentState.CLOSED)
# How far back incidents are looked at that ended: further than quiet hours last.
_LATELY = timedelta(days=2)
# What they were told stays open there until they are told that it is over.
_KEEPS_OPEN = (ChannelKind.PAGERDUTY, ChannelKind.ALERTMANAGER)


def tell_late(*, now: datetime) -> int:
    """Tell of the steps that are late; how many were told of. Two that do this at once tell of each once."""
    over = Notification.objects.filter(
        kind=NotificationKind.LATE, incident__state__in=_OVER, incident__resolved_at__gt=now - _LATELY
    )
    hush(over, at=now, why="The incident was over before it was told.")
    late = IncidentStep.objects.filter(
        state=IncidentStepState.OPEN, late_told_at=None, due_at__lte=now, incident__state__in=ONGOING
    )
    told = 0
    for incident_id in list(late.order_by("incident_id").values_list("incident_id", flat=True).distinct()[:_AT_ONCE]):
        with transaction.atomic():
            # Whoever settles a step holds its incident, too. Alerts may join it meanwhile.
            locked = Incident.objects.select_for_update(skip_locked=True, of=("self",), no_key=True).filter(
                state__in=ONGOING
            )
            incident = locked.select_related("commander", "service").filter(pk=incident_id).first()
            if incident is not None:
                told += _tell(incident, list(late.filter(incident=incident).order_by("due_at", "pk")), now=now)
    return told


def _tell(incident: Incident, steps: list[IncidentStep], *, now: datetime) -> int:
    """Of one incident, whose row is held."""
    subject = lateness.subject_of(incident)
    if why := _why_muted(subject, now):
        for step in steps:
            # Told when that ends, if it is late still.
            _note(step, f"late, and nobody is told yet. {why}", at=now, once="late-muted")
        return 0
    channels, whom = _whom(incident, subject)
    quiet_ends = quiet_hours.ends([one.pk for one in channels], severity=subject.severity, at=now)
    for step in steps:
        rows = [
            Notification(
                incident=incident, channel=channel, kind=NotificationKind.LATE, number=step.pk, created_at=now,
                due_at=quiet_ends.get(channel.pk, now),
            )
            for channel in channels
        ]  # fmt: skip
        Notification.objects.bulk_create(rows, ignore_conflicts=True)
        _note(step, f"late. {whom}", at=now, once="late")
    IncidentStep.objects.filter(pk__in=[step.pk for step in steps]).update(late_told_at=now)
    if not channels:
        logger.error("late_step_reached_nobody", incident=incident.pk, steps=[step.pk for step in steps])
    return len(steps)


def _whom(incident: Incident, subject: Alert) -> tuple[list[Channel], str]:
    """The channels of the routes that take the alert and the commander's contacts, each once; and a sentence that names them."""
    routed = telling.channels_of(subject)
    contacts = (
        ContactPoint.objects.working().filter(person=incident.commander_id).select_related("channel").order_by("pk")
    )
    own = [one.channel for one in contacts] if incident.commander_id else []
    names = [one.name for one in routed]
    if own and incident.commander:
        kinds = ", ".join(dict.fromkeys(str(one.get_kind_display()) for one in own))
        names.append(f"{name_of(incident.commander)} ({kinds})")
    channels = list({one.pk: one for one in (*routed, *own)}.values())
    if not names:
        return (
            channels,
            "Nobody could be told: no channel on any route takes it, and no commander has a tested contact.",
        )
    return channels, f"Told: {', '.join(names)}."


def _why_muted(subject: Alert, now: datetime) -> str:
    """By a silence or maintenance. That another alert speaks for this one is no reason: it does not speak of the runbook."""
    found: list[Silence | MaintenanceWindow] = [
        *muting.silences_of(subject, at=now), *muting.maintenance_of(subject, at=now),
    ]  # fmt: skip
    return telling.why_silenced(found[0]) if found else ""


def _note(step: IncidentStep, text: str, *, at: datetime, once: str) -> None:
    sentence = f"{lateness.named(step)}: {text}"
    timeline.write(step.incident_id, IncidentEntryKind.STEP, at=at, text=sentence, once=f"{once}:{step.pk}")


def hush(messages: QuerySet[Notification], *, at: datetime, why: str) -> None:
    """Of messages that steps are late: what waits is dropped, and what stays open on the other side is closed there."""
    messages.filter(state=NotificationState.WAITING).update(state=NotificationState.DROPPED, settled_at=at, reason=why)
    closing = Notification.objects.filter(
        incident=OuterRef("incident"),
        channel=OuterRef("channel"),
        kind=NotificationKind.RESOLVED,
        number=OuterRef("number"),
    )
    told = messages.filter(channel__kind__in=_KEEPS_OPEN).filter(
        Q(state=NotificationState.SENT) | Q(attempt_count__gt=0)
    )
    rows = [
        Notification(
            incident_id=one.incident_id, channel_id=one.channel_id, kind=NotificationKind.RESOLVED, number=one.number,
            created_at=at, due_at=at,
        )
        for one in told.exclude(Exists(closing))
    ]  # fmt: skip
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
