"""Who is told of an alert, and when: rows in the outbox, written in the transaction that changed the alert.

A silence or a window of maintenance mutes telling, not judging; what it muted stays as a row that says so. When it ends while the
alert still fires, people are told then. Acknowledging stops every further message but the one that says that it is over.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Prefetch, Q

from alerts.matching import is_like
from alerts.models import (
    Alert,
    AlertState,
    Channel,
    ChannelKind,
    MaintenanceWindow,
    Notification,
    NotificationKind,
    NotificationState,
    Route,
    Silence,
)
from alerts.outbox import inhibiting, quiet_hours

FLAP_LIMIT, FLAP_WINDOW = 4, timedelta(hours=1)
# What was muted because it comes and goes is told when it has stayed for as long as this.
STAYS = timedelta(minutes=10)
# How far back it is looked for groups whose end nobody told.
_LATELY = timedelta(hours=1)


def tell(alert: Alert, *, at: datetime) -> None:
    """That it fires, to the channels of its routes, or that it is over, to whom it was told."""
    if alert.state == AlertState.FIRING:
        why = why_muted(alert, at=at) or why_flapping(alert, at=at)
        due_at = at + timedelta(seconds=alert.rule.group_wait_seconds)
        write(alert, channels_of(alert), NotificationKind.FIRING, 0, at=at, due_at=due_at, why_muted=why)
        inhibiting.mute_waiting(alert, at=at)
        return
    told = _told(alert)
    # Who has not heard of it need not hear that it is over, and what failed to arrive must not arrive after its end.
    waiting = alert.notifications.filter(state=NotificationState.WAITING)
    waiting.exclude(kind=NotificationKind.RESOLVED).update(
        state=NotificationState.DROPPED, settled_at=at, reason="It was over before it was told."
    )
    for one in told:
        # Those who were told of a group are told once that all of it is over.
        if not Alert.objects.firing().filter(pk__in=_others(one, alert)).exists():
            write(one.alert or alert, [one.channel], NotificationKind.RESOLVED, 0, at=at, due_at=at)


def tell_changed(alert: Alert, *, at: datetime) -> None:
    """Somebody acknowledged or muted it: what was said of it is changed where that can be, and nobody is told anew."""
    for one in _told(alert):
        # PagerDuty finds its incident by the alert.
        can_change = bool(one.receipt) or one.channel.kind == ChannelKind.PAGERDUTY
        unhandled = Alert.objects.firing().filter(pk__in=_others(one, alert), acknowledged_at__isnull=True)
        subject = one.alert or alert
        if can_change and not unhandled.exists():
            changes = Notification.objects.filter(alert=subject, channel=one.channel, kind=NotificationKind.CHANGED)
            number = (changes.aggregate(last=Max("number"))["last"] or 0) + 1
            write(subject, [one.channel], NotificationKind.CHANGED, number, at=at, due_at=at)


def _others(told: Notification, alert: Alert) -> set[int]:
    """The alerts that a message told of, too."""
    members = (told.alert_id, *told.carried.values_list("alert_id", flat=True))
    return {pk for pk in members if pk is not None and pk != alert.pk}


def _told(alert: Alert) -> list[Notification]:
    """The messages that said, or may have said, that it fires: the first of each channel and of each alert that spoke for it."""
    found = alert.notifications.filter(
        Q(state=NotificationState.SENT) | Q(attempt_count__gt=0) | Q(carrier__attempt_count__gt=0),
        kind__in=(NotificationKind.FIRING, NotificationKind.REPEAT),
    ).exclude(state=NotificationState.DEAD)
    messages: dict[tuple[int, int | None], Notification] = {}
    for one in found.select_related("channel", "alert__rule", "carrier__alert__rule", "carrier__channel").order_by(
        "pk"
    ):
        message = one.carrier or one
        messages.setdefault((message.channel_id, message.alert_id), message)
    return list(messages.values())


def why_flapping(alert: Alert, *, at: datetime) -> str:
    """An alert that comes and goes is told of so often an hour and no more; when it stays, the reminder tells of it."""
    fired = Alert.objects.filter(
        rule=alert.rule_id, group_key=alert.group_key, fired_at__gt=at - FLAP_WINDOW, fired_at__lte=at
    )
    count = fired.exclude(pk=alert.pk).count()
    return f"It fired {count} times within the hour before: told again when it stays." if count >= FLAP_LIMIT else ""


def remind(*, now: datetime) -> int:
    """Tell again of what still fires and nobody acknowledged, and of what was muted and no longer is. How many rows that made."""
    with transaction.atomic():
        made = _tell_ended_groups(now)
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


def _tell_ended_groups(now: datetime) -> int:
    """The end of groups whose last two alerts ended at once, by two who did not see each other."""
    row = Notification.objects.filter(channel=OuterRef("channel"), alert=OuterRef("alert"))
    ended = Notification.objects.filter(
        kind__in=(NotificationKind.FIRING, NotificationKind.REPEAT), state=NotificationState.SENT,
        alert__state=AlertState.RESOLVED, carried__alert__resolved_at__gt=now - _LATELY,
    )  # fmt: skip
    ended = ended.exclude(Exists(row.filter(kind=NotificationKind.RESOLVED)))
    ended = ended.exclude(Exists(Alert.objects.firing().filter(notifications__carrier=OuterRef("pk"))))
    made = 0
    for one in ended.select_related("alert__rule", "channel").order_by("pk").distinct():
        if one.alert is not None:
            made += write(one.alert, [one.channel], NotificationKind.RESOLVED, 0, at=now, due_at=now)
    return made


def channels_of(alert: Alert) -> list[Channel]:
    """Those that are switched on, of the routes that take it."""
    return channels_on(routes_taking(alert, enabled_routes()))


def enabled_routes() -> list[Route]:
    """In the order in which they are tried, with their channels."""
    channels = Prefetch("channels", Channel.objects.order_by("pk"))
    return list(Route.objects.filter(is_enabled=True).order_by("position", "pk").prefetch_related(channels))


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
    """Which silence, maintenance or other alert mutes it, as a sentence; "" for none."""
    mute = _mute_of(alert, at=at)
    return why_silenced(mute) if mute is not None else inhibiting.why_inhibited(inhibiting.inhibitor_of(alert))


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
    # A change makes no sound.
    heard = [] if kind == NotificationKind.CHANGED else [one.pk for one in channels]
    quiet_ends = quiet_hours.ends(heard, severity=alert.severity, at=due_at)
    inhibitor = inhibiting.inhibitor_of(alert) if why_muted else None
    if inhibiting.why_inhibited(inhibitor) != why_muted:
        inhibitor = None  # something else mutes it
    has_waiting = _with_a_message_waiting(alert, channels, kind)
    rows = []
    for channel in channels:
        row = Notification(
            alert=alert, channel=channel, kind=kind, number=number, created_at=at,
            due_at=quiet_ends.get(channel.pk, due_at),
        )  # fmt: skip
        if why_muted:
            row.state, row.settled_at, row.reason = NotificationState.MUTED, at, why_muted
            row.inhibited_by = inhibitor
        elif channel.pk in has_waiting:
            row.state, row.settled_at = NotificationState.DROPPED, at
            row.reason = "A message about it waits to be sent already."
        rows.append(row)
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _with_a_message_waiting(alert: Alert, channels: Iterable[Channel], kind: NotificationKind) -> set[int]:
    if kind in (NotificationKind.RESOLVED, NotificationKind.CHANGED):
        return set()
    waiting = alert.notifications.filter(
        channel__in=list(channels), state=NotificationState.WAITING, attempt_count=0,
        kind__in=(NotificationKind.FIRING, NotificationKind.REPEAT),
    )  # fmt: skip
    return set(waiting.values_list("channel_id", flat=True))
