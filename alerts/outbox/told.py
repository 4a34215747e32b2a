"""Who was told of alerts, and why nobody was, in a sentence each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from alerts.models import Alert, AlertState, Notification, NotificationKind, NotificationState


@dataclass(frozen=True, slots=True)
class Told:
    """``is_nobody``: it fires or fired, and no message went out or is about to."""

    sentence: str
    is_nobody: bool = False


def told_of(alerts: Sequence[Alert]) -> dict[int, Told]:
    """By the alert's id; one query for all of them."""
    rows = (
        Notification.objects.filter(
            alert__in=[one.pk for one in alerts], kind__in=(NotificationKind.FIRING, NotificationKind.REPEAT)
        )
        # Reminders of weeks are many rows: the last of each channel and state says enough.
        .order_by("alert_id", "channel_id", "state", "-pk")
        .distinct("alert_id", "channel_id", "state")
        .values_list("alert_id", "state", "channel__name", "reason")
    )
    by_alert: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for alert_id, state, channel, reason in rows:
        by_alert[alert_id or 0].append((state, channel, reason))
    return {one.pk: _told(one, by_alert[one.pk]) for one in alerts}


def _told(alert: Alert, rows: Sequence[tuple[str, str, str]]) -> Told:
    """``rows``: state, channel and reason of its notifications."""
    if alert.fired_at is None:
        is_over = alert.state == AlertState.RESOLVED
        return Told("It ended before it fired." if is_over else "Nobody is told before it fires.")
    channels: dict[str, list[str]] = defaultdict(list)
    for state, channel, _ in rows:
        channels[state].append(channel)
    sent = channels[NotificationState.SENT]
    waiting = [one for one in channels[NotificationState.WAITING] if one not in sent]
    dead = [one for one in channels[NotificationState.DEAD] if one not in sent]
    told = (("Told", sent), ("Being told", waiting), ("Given up", dead))
    if sent or waiting:
        return Told(" ".join(f"{verb}: {', '.join(names)}." for verb, names in told if names))
    for wanted in (NotificationState.MUTED, NotificationState.DEAD, NotificationState.DROPPED):
        for state, channel, reason in rows:
            if state == wanted:
                return Told(f"Nobody was told. {reason or f'{channel}: {NotificationState(state).label}.'}", True)
    return Told("Nobody was told: no channel on any route takes it.", True)
