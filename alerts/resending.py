"""Sending again what was given up, once a person has mended what stood in the way."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from alerts import telling
from alerts.models import AlertState, Notification, NotificationKind, NotificationState


class NotSentAgainError(Exception):
    """Sending it now would be wrong; the text says why."""


def send_again(notification_id: int, *, at: datetime) -> int:
    """Put a notification that was given up back into the outbox, with those whose message it shares, under the same key. How many
    rows those are. It is tried once more; when its attempts are used up and it fails, it is given up again.

    Raises NotSentAgainError.
    """
    with transaction.atomic():
        rows = Notification.objects.select_for_update(of=("self",)).select_related("channel", "alert__rule", "alert")
        asked = rows.get(pk=notification_id)
        if asked.state != NotificationState.DEAD:
            raise NotSentAgainError(f"Only what was given up is sent again; this is “{asked.get_state_display()}”.")
        if not asked.channel.is_enabled:
            raise NotSentAgainError(f"The channel {asked.channel} is switched off. Switch it on first.")
        first = asked.carrier_id or asked.pk
        together = list(rows.filter(Q(pk=first) | Q(carrier=first), state=NotificationState.DEAD).order_by("pk"))
        reasons = [_why_not(one, at=at) for one in together]
        if all(reasons):
            raise NotSentAgainError(reasons[0])
        return Notification.objects.filter(pk__in=[one.pk for one in together]).update(
            state=NotificationState.WAITING, due_at=at, settled_at=None, fallback_told_at=None, reason=""
        )


def _why_not(notification: Notification, *, at: datetime) -> str:
    """Whether nobody would be told of its alert any more; "" when it would be."""
    alert = notification.alert
    if alert is None or notification.kind == NotificationKind.RESOLVED:
        return ""
    if alert.state == AlertState.RESOLVED:
        return "The alert is over."
    if alert.acknowledged_at is not None:
        return "Somebody has acknowledged the alert: nobody is told again until it is over."
    return telling.why_muted(alert, at=at)
