"""Beginning and ending what mutes alerts: silences and windows of maintenance. Each is a line of the history of every alert it is
about."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from alerts import telling
from alerts.models import (
    Alert,
    AlertEntry,
    EntryKind,
    MaintenanceWindow,
    Notification,
    NotificationKind,
    NotificationState,
    Silence,
)

type Mute = Silence | MaintenanceWindow


def mute(what: Mute, *, by: User, at: datetime) -> int:
    """Keep a new one; if it runs already, what waits to be told of its alerts is muted. How many alerts those are."""
    with transaction.atomic():
        what.author = by
        what.save()
        if not what.starts_at <= at < what.ends_at:
            return 0
        alerts, why = _alerts_of(what), _why(what)
        waiting = Notification.objects.filter(alert__in=alerts, state=NotificationState.WAITING)
        waiting.exclude(kind=NotificationKind.RESOLVED).update(
            state=NotificationState.MUTED, settled_at=at, reason=why[:300]
        )
        _note(alerts, by=by, at=at, text=why)
    return len(alerts)


def unmute(what: Mute, *, by: User, at: datetime) -> bool:
    """End one that runs; one that is yet to begin is taken away. False when it has ended already."""
    with transaction.atomic():
        rows = type(what)._default_manager.filter(pk=what.pk)  # noqa: SLF001 - Django's documented API
        if what.starts_at >= at:
            return bool(rows.filter(starts_at__gte=at).delete()[0])
        if not rows.filter(ends_at__gt=at).update(ends_at=at):
            return False
        _note(_alerts_of(what), by=by, at=at, text=f"No longer muted. It was: {_why(what)}")
    return True


def _alerts_of(what: Mute) -> list[Alert]:
    labelled = [(one, telling.told_labels(one)) for one in Alert.objects.open().select_related("rule").order_by("pk")]
    if isinstance(what, Silence):
        return [one for one, labels in labelled if what.mutes(labels)]
    return [one for one, labels in labelled if what.service_id is None or labels["service"] == str(what.service_id)]


def _why(what: Mute) -> str:
    return telling.why_silenced(what) if isinstance(what, Silence) else f"Maintenance: {what.name}"


def _note(alerts: list[Alert], *, by: User, at: datetime, text: str) -> None:
    AlertEntry.objects.bulk_create(
        AlertEntry(alert=alert, kind=EntryKind.NOTED, at=at, actor=by, text=text[:500]) for alert in alerts
    )
