"""Whether what was given up may be sent again: not when nobody would be told of it any more."""

from datetime import datetime

from alerts.models import AlertState, IncidentStep, IncidentStepState, Notification, NotificationKind, NotificationState
from alerts.outbox import telling


def why_not(notification: Notification, *, at: datetime) -> str:
    """The reason as a sentence; "" when it may be. The notification with its channel and its alert's rule."""
    if notification.state != NotificationState.DEAD:
        return f"Only what was given up is sent again; this is “{notification.get_state_display()}”."
    if not notification.channel.is_enabled:
        return f"The channel {notification.channel} is switched off. Switch it on first."
    if notification.kind == NotificationKind.LATE:
        open_steps = IncidentStep.objects.filter(pk=notification.number, state=IncidentStepState.OPEN)
        return "" if open_steps.exists() else "The step is settled."
    alert = notification.alert
    if alert is None or notification.kind == NotificationKind.RESOLVED:
        return ""
    if alert.state == AlertState.RESOLVED:
        return "The alert is over."
    if alert.acknowledged_at is not None:
        return "Somebody has acknowledged the alert: nobody is told again until it is over."
    return telling.why_muted(alert, at=at)
