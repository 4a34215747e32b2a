"""What people do about an alert: acknowledge it, silence it, say that it is over. Each is a line of its history."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import transaction

from alerts.incidents import moving
from alerts.incidents.states import Move
from alerts.models import (
    Alert,
    AlertEntry,
    AlertState,
    EntryKind,
    IncidentAlert,
    IncidentState,
    MaintenanceWindow,
    NotificationKind,
    NotificationState,
    Silence,
)
from alerts.on_call import escalating
from alerts.outbox import telling
from alerts.outbox.muting import muted_by

type Person = AbstractBaseUser | AnonymousUser | None


def acknowledge(alert_id: int, *, by: Person, at: datetime, how: str = "", has_the_incident: bool = True) -> bool:
    """From now on nobody is told again until it is over. False when somebody did already, or it is over.

    Whoever has an alert in hand has its incident in hand, unless ``has_the_incident`` is False; its other alerts go on paging.
    """
    with transaction.atomic():
        person = _known(by)
        changed = (
            Alert.objects.open()
            .filter(pk=alert_id, acknowledged_at__isnull=True)
            .update(acknowledged_at=at, acknowledged_by=person)
        )
        if changed:
            alert = Alert.objects.select_related("rule").get(pk=alert_id)
            AlertEntry.objects.create(alert=alert, kind=EntryKind.ACKNOWLEDGED, at=at, actor=person, text=how[:500])
            escalating.stop(alert, at=at, why="Somebody acknowledged it.")
            _drop_waiting(alert, at, "Somebody acknowledged it first.")
            telling.tell_changed(alert, at=at)
    part = IncidentAlert.objects.filter(alert=alert_id, incident__state=IncidentState.TRIGGERED).first()
    if changed and has_the_incident and part is not None:
        # By itself, so that nobody waits for an alert and an incident at once.
        moving.move(part.incident_id, Move.ACKNOWLEDGE, by=by, at=at, how=how or f"With alert {alert_id}.")
    return bool(changed)


def silence(alert_id: int, *, by: Person, at: datetime, lasts: timedelta, reason: str, how: str = "") -> Silence:
    """Nobody is told of alerts of the same rule and group until it ends."""
    with transaction.atomic():
        alert = Alert.objects.select_related("rule").get(pk=alert_id)
        person = _known(by)
        matchers = {"rule": str(alert.rule_id)} | {
            word: value for word, value in alert.labels.items() if "*" not in value
        }
        made = Silence.objects.create(
            matchers=matchers, reason=reason[:300], author=person, starts_at=at, ends_at=at + lasts
        )
        AlertEntry.objects.create(
            alert=alert, kind=EntryKind.NOTED, at=at, actor=person,
            text=f"Silenced until {made.ends_at:%Y-%m-%d %H:%M} UTC: {reason}. {how}".strip()[:500],
        )  # fmt: skip
        for open_alert in Alert.objects.open().filter(rule=alert.rule).select_related("rule"):
            if made.mutes(telling.told_labels(open_alert)):
                _mute_waiting(open_alert, at, telling.why_silenced(made))
                telling.tell_changed(open_alert, at=at)
    return made


def mute(what: Silence | MaintenanceWindow, *, by: Person, at: datetime) -> int:
    """Keep a new or changed one; if it runs already, what waits of its alerts is muted. How many alerts those are."""
    with transaction.atomic():
        what.save()
        if not what.starts_at <= at < what.ends_at:
            return 0
        alerts, why = muted_by(what), telling.why_silenced(what)
        for alert in alerts:
            _mute_waiting(alert, at, why)
            telling.tell_changed(alert, at=at)
        _note_all(alerts, by=by, at=at, text=why)
    return len(alerts)


def unmute(what: Silence | MaintenanceWindow, *, by: Person, at: datetime) -> bool:
    """End one that runs, or call off one that is yet to begin. False when it has ended already."""
    with transaction.atomic():
        rows = type(what)._default_manager.filter(pk=what.pk)  # noqa: SLF001 - Django's documented API
        if what.starts_at >= at:
            return bool(rows.filter(starts_at__gte=at).delete()[0])
        if not rows.filter(ends_at__gt=at).update(ends_at=at):
            return False
        alerts = muted_by(what)
        for alert in alerts:
            telling.tell_changed(alert, at=at)
        _note_all(alerts, by=by, at=at, text=f"No longer muted. It was: {telling.why_silenced(what)}")
    return True


def resolve(alert_id: int, *, by: Person, at: datetime, how: str = "") -> bool:
    """Say that it is over. When the condition still holds, the next judgement makes a new alert. False when it is over already."""
    with transaction.atomic():
        person = _known(by)
        was_firing = Alert.objects.firing().filter(pk=alert_id).exists()
        changed = Alert.objects.open().filter(pk=alert_id).update(state=AlertState.RESOLVED, resolved_at=at)
        if changed:
            alert = Alert.objects.select_related("rule").get(pk=alert_id)
            AlertEntry.objects.create(
                alert=alert, kind=EntryKind.RESOLVED, at=at, actor=person, text=how[:500] or "By hand."
            )
            escalating.stop(alert, at=at, why="It was over.")
            if was_firing:
                telling.tell(alert, at=at)
    return bool(changed)


def note(alert_id: int, *, by: Person, at: datetime, text: str) -> None:
    AlertEntry.objects.create(alert_id=alert_id, kind=EntryKind.NOTED, at=at, actor=_known(by), text=text[:500])


def _known(by: Person) -> User | None:
    return by if isinstance(by, User) else None


def _drop_waiting(alert: Alert, at: datetime, why: str) -> None:
    waiting = alert.notifications.filter(state=NotificationState.WAITING).exclude(kind=NotificationKind.RESOLVED)
    waiting.update(state=NotificationState.DROPPED, settled_at=at, reason=why)


def _note_all(alerts: Iterable[Alert], *, by: Person, at: datetime, text: str) -> None:
    person = _known(by)
    AlertEntry.objects.bulk_create(
        AlertEntry(alert=alert, kind=EntryKind.NOTED, at=at, actor=person, text=text[:500]) for alert in alerts
    )


def _mute_waiting(alert: Alert, at: datetime, why: str) -> None:
    waiting = alert.notifications.filter(state=NotificationState.WAITING).exclude(kind=NotificationKind.RESOLVED)
    waiting.update(state=NotificationState.MUTED, settled_at=at, reason=why)
