"""Who is told of an alert, and when: rows in the outbox, written in the transaction that changed the alert.

A silence or a window of maintenance mutes telling, not judging; what it muted stays as a row that says so. When it ends while the
alert still fires, people are told then. Acknowledging stops every further message but the one that says that it is over.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Q

from alerts import quiet_hours
from alerts.matching import is_like
from alerts.models import (
    Alert,
    AlertState,
    Channel,
    MaintenanceWindow,
    Notification,
    NotificationKind,
    NotificationState,
    Route,
    Silence,
)

FLAP_LIMIT, FLAP_WINDOW = 4, timedelta(hours=1)
# What was muted because it comes and goes is told when it has stayed for as long as this.
STAYS = timedelta(minutes=10)


def tell(alert: Alert, *, at: datetime) -> None:
    """That it fires, to the channels of its routes, or that it is over, to whom it was told."""
    if alert.state == AlertState.FIRING:
        why = why_muted(alert, at=at) or why_flapping(alert, at=at)
        due_at = at + timedelta(seconds=alert.rule.group_wait_seconds)
        write(alert, channels_of(alert), NotificationKind.FIRING, 0, at=at, due_at=due_at, why_muted=why)
        return
    # Who has not heard of it need not hear that it is over.
    waiting = alert.notifications.filter(state=NotificationState.WAITING)
    waiting.filter(attempt_count=0).exclude(kind=NotificationKind.RESOLVED).update(
        state=NotificationState.DROPPED, settled_at=at, reason="It was over before it was told."
    )
    for told in _told(alert):
        carrier = told.carrier or told
        others = carrier.carried.exclude(alert=alert).values_list("alert_id", flat=True)
        members = {pk for pk in (*others, carrier.alert_id) if pk is not None and pk != alert.pk}
        # Those who were told of a group are told once that all of it is over.
        if not Alert.objects.firing().filter(pk__in=members).exists():
            write(carrier.alert or alert, [told.channel], NotificationKind.RESOLVED, 0, at=at, due_at=at)


def _told(alert: Alert) -> list[Notification]:
    """The first message of each channel that said, or may have said, that it fires."""
    found = alert.notifications.filter(
        Q(state=NotificationState.SENT) | Q(attempt_count__gt=0) | Q(carrier__attempt_count__gt=0),
        kind__in=(NotificationKind.FIRING, NotificationKind.REPEAT),
    )
    by_channel: dict[int, Notification] = {}
    for one in found.select_related("channel", "carrier__alert__rule").order_by("pk"):
        by_channel.setdefault(one.channel_id, one)
    return list(by_channel.values())


def why_flapping(alert: Alert, *, at: datetime) -> str:
    """An alert that comes and goes is told of so often an hour and no more; when it stays, the reminder tells of it."""
    fired = Alert.objects.filter(
        rule=alert.rule_id, group_key=alert.group_key, fired_at__gt=at - FLAP_WINDOW, fired_at__lte=at
    )
    count = fired.exclude(pk=alert.pk).count()
    return f"It fired {count} times within the hour before: told again when it stays." if count >= FLAP_LIMIT else ""


def remind(*, now: datetime) -> int:
    """Tell again of what still fires and nobody acknowledged, and of what was muted and no longer is. How many rows that made."""
    made = 0
    with transaction.atomic():
        firing = Alert.objects.firing().filter(acknowledged_at__isnull=True).select_related("rule")
        # What the steps of an escalation tell puts off no reminder.
        of_routes = Q(notifications__kind=NotificationKind.REPEAT) | Q(
            notifications__kind=NotificationKind.FIRING, notifications__number=0
        )
        last_told = Max(
            "notifications__created_at", filter=of_routes & ~Q(notifications__state=NotificationState.MUTED)
        )
        number = Max("notifications__number", filter=Q(notifications__kind=NotificationKind.REPEAT))
        ordered = firing.annotate(last_told_at=last_told, last_number=number).order_by("pk")
        for alert in ordered:
            told_at: datetime | None = alert.last_told_at  # type: ignore[attr-defined]
            last_number: int = alert.last_number or 0  # type: ignore[attr-defined]
            stays = alert.fired_at is None or now - alert.fired_at >= STAYS or not why_flapping(alert, at=now)
            was_muted = told_at is None and alert.notifications.exists() and stays
            pause = timedelta(seconds=alert.rule.repeat_seconds)
            is_due = told_at is not None and bool(pause) and now - told_at >= pause
            if (was_muted or is_due) and not why_muted(alert, at=now):
                made += write(alert, channels_of(alert), NotificationKind.REPEAT, last_number + 1, at=now, due_at=now)
    return made


def channels_of(alert: Alert) -> list[Channel]:
    """Those that are switched on, of the routes that take it."""
    return channels_on(routes_taking(alert, enabled_routes()))


def enabled_routes() -> list[Route]:
    """In the order in which they are tried, with their channels."""
    return list(Route.objects.filter(is_enabled=True).order_by("position", "pk").prefetch_related("channels"))


def routes_taking(alert: Alert, routes: Iterable[Route]) -> list[Route]:
    """The first route that takes it, and those behind it while routes say to go on."""
    labels, found = told_labels(alert), []
    for route in routes:
        if takes(route, alert, labels):
            found.append(route)
            if not route.goes_on:
                break
    return found


def channels_on(routes: Iterable[Route]) -> list[Channel]:
    """Each once, without those that are switched off."""
    found = {channel.pk: channel for route in routes for channel in route.channels.all() if channel.is_enabled}
    return list(found.values())


def takes(route: Route, alert: Alert, labels: dict[str, str]) -> bool:
    return (
        (not route.severities or alert.severity in route.severities)
        and (route.service_id is None or labels.get("service", "") == str(route.service_id))
        and all(is_like(labels.get(name, ""), str(value)) for name, value in route.labels.items())
    )


def told_labels(alert: Alert) -> dict[str, str]:
    """The words that routes and silences match: those of its group, and its rule, severity and service."""
    service = alert.labels.get("service") or alert.rule.service_id or alert.evidence.get("service") or ""
    return {
        "rule": str(alert.rule_id), "rule_name": alert.rule.name, "severity": alert.severity, **alert.labels,
        "service": str(service),
    }  # fmt: skip


def why_muted(alert: Alert, *, at: datetime) -> str:
    """Which silence or maintenance mutes it, as a sentence; "" for none."""
    mute = _mute_of(alert, at=at)
    if mute is None:
        return ""
    return why_silenced(mute)


def muted_until(alert: Alert, *, at: datetime) -> datetime:
    """The first moment from ``at`` on at which neither a silence nor maintenance mutes it, as far as is known now."""
    while (mute := _mute_of(alert, at=at)) is not None:
        at = mute.ends_at
    return at


def _mute_of(alert: Alert, *, at: datetime) -> Silence | MaintenanceWindow | None:
    labels = told_labels(alert)
    for silence in Silence.objects.running(at=at).order_by("pk"):
        if silence.mutes(labels):
            return silence
    windows = MaintenanceWindow.objects.filter(starts_at__lte=at, ends_at__gt=at).order_by("pk")
    for window in windows:
        if window.service_id is None or str(window.service_id) == labels["service"]:
            return window
    return None


def why_silenced(what: Silence | MaintenanceWindow) -> str:
    if isinstance(what, MaintenanceWindow):
        return f"Maintenance: {what.name}"[:300]
    return f"Silenced until {what.ends_at:%Y-%m-%d %H:%M} UTC: {what.reason}"[:300]


def write(
    alert: Alert,
    channels: Collection[Channel],
    kind: NotificationKind,
    number: int,
    *,
    at: datetime,
    due_at: datetime,
    why_muted: str = "",
) -> int:
    """A row a channel; how many. What is not critical is due when the channel's quiet hours are over.

    A channel that has a message about the alert waiting gets no second that says the same: its row says so.
    """
    quiet_ends = quiet_hours.ends([one.pk for one in channels], severity=alert.severity, at=due_at)
    has_waiting = _with_a_message_waiting(alert, channels, kind)
    rows = []
    for channel in channels:
        row = Notification(
            alert=alert, channel=channel, kind=kind, number=number, created_at=at,
            due_at=quiet_ends.get(channel.pk, due_at),
        )  # fmt: skip
        if why_muted:
            row.state, row.settled_at, row.reason = NotificationState.MUTED, at, why_muted
        elif channel.pk in has_waiting:
            row.state, row.settled_at = NotificationState.DROPPED, at
            row.reason = "A message about it waits to be sent already."
        rows.append(row)
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _with_a_message_waiting(alert: Alert, channels: Iterable[Channel], kind: NotificationKind) -> set[int]:
    if kind == NotificationKind.RESOLVED:
        return set()
    waiting = alert.notifications.filter(
        channel__in=list(channels), state=NotificationState.WAITING, attempt_count=0,
        kind__in=(NotificationKind.FIRING, NotificationKind.REPEAT),
    )  # fmt: skip
    return set(waiting.values_list("channel_id", flat=True))
