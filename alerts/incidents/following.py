"""Keeps incidents up to date with what happens to their alerts: what is told goes into the timeline, and what is over is over.

Each incident in a transaction of its own; every entry names what makes it one, so that following twice changes nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from alerts.incidents import handling, moving, timeline
from alerts.incidents.belonging import origins_of, services_of
from alerts.incidents.opening import story_of_alert
from alerts.incidents.report import drafting
from alerts.incidents.states import Move
from alerts.models import (
    ONGOING,
    Alert,
    AlertState,
    Incident,
    IncidentEntry,
    IncidentEntryKind,
    IncidentState,
    Notification,
    NotificationKind,
    NotificationState,
)
from events.models import Release, Service

# Quiet for so long after all of its alerts were over, it is resolved.
STAYS_OVER = timedelta(minutes=30)
# Releases that came so long before it may have brought it.
_BEFORE = timedelta(hours=2)
# An incident that was resolved is followed for so long: what is told then belongs to it.
_AFTER = timedelta(hours=1)


def follow(*, now: datetime) -> int:
    """Bring the incidents that go on, or just went on, up to date; how many moved."""
    lately = Q(resolved_at__gt=now - _AFTER)
    moved = 0
    drafting.draft_missing(now=now)
    for incident in Incident.objects.filter(Q(state__in=ONGOING) | lately).order_by("pk"):
        alerts = list(Alert.objects.filter(membership__incident=incident).select_related("rule").order_by("pk"))
        timeline.write_missing(incident.pk, _noticed(incident, alerts, now))
        _know(incident, alerts)
        if incident.is_ongoing and alerts:
            moved += _move(incident, alerts, now)
    return moved


def _move(incident: Incident, alerts: list[Alert], now: datetime) -> bool:
    """A rule's part: what is over is mitigated, resolved when it stays so, and goes on when it comes back."""
    firing = [one for one in alerts if one.state == AlertState.FIRING]
    if firing:
        # It came back after somebody, or its rule, said that it was over for users.
        again = [
            one for one in firing if incident.mitigated_at and one.fired_at and one.fired_at > incident.mitigated_at
        ]
        if incident.state == IncidentState.MITIGATED and again:
            how = f"It fails again: {again[0].summary}"
            return moving.move(incident.pk, Move.REOPEN, by=None, at=now, how=how, is_seen=False).is_done
        return False
    over_at = max(one.resolved_at or one.judged_at for one in alerts)
    if incident.state != IncidentState.MITIGATED:
        # They are over when nothing came for a while; users were hurt until the last of it.
        return _mitigate(incident, max(one.held_at for one in alerts), now)
    if now - max(over_at, incident.mitigated_at or over_at) >= STAYS_OVER:
        how = f"None of its alerts fired for {STAYS_OVER.total_seconds() / 60:g} minutes."
        return handling.resolve_by_rule(incident.pk, at=now, how=how).is_done
    return False


def _mitigate(incident: Incident, hurt_until: datetime, now: datetime) -> bool:
    with transaction.atomic():
        ended_at = max(hurt_until, incident.started_at)
        Incident.objects.filter(pk=incident.pk, ended_at=None, state=incident.state).update(ended_at=ended_at)
        how = "All of its alerts are over."
        return moving.move(incident.pk, Move.MITIGATE, by=None, at=now, how=how, is_seen=False).is_done


def _know(incident: Incident, alerts: list[Alert]) -> None:
    """What its alerts say of where it comes from."""
    found = (origin[:200] for one in alerts for origin in origins_of(one.evidence))
    origins = list(dict.fromkeys([*incident.origins, *found]))[:20]
    if origins != list(incident.origins):
        Incident.objects.filter(pk=incident.pk).update(origins=origins)


# --- The timeline -----------------------------------------------------------------------------------------------------


def _noticed(incident: Incident, alerts: list[Alert], now: datetime) -> Iterator[IncidentEntry]:
    """Everything that a rule has to say of it by now, said before or not."""
    until = min(now, (incident.resolved_at or now) + _AFTER)
    yield from _of_alerts(incident, alerts)
    yield from _of_notifications(incident)
    yield from _of_releases(incident, alerts, until)


def _of_alerts(incident: Incident, alerts: list[Alert]) -> Iterator[IncidentEntry]:
    for alert in alerts:
        if alert.resolved_at is not None:
            yield IncidentEntry(
                incident=incident, kind=IncidentEntryKind.ALERT, at=alert.resolved_at, text=f"Over: {alert.summary}",
                alert=alert, once=f"alert-over:{alert.pk}",
            )  # fmt: skip
        if alert.acknowledged_at is not None:
            yield IncidentEntry(
                incident=incident, kind=IncidentEntryKind.ALERT, at=alert.acknowledged_at, actor=alert.acknowledged_by,
                text=f"Acknowledged: {alert.summary}", alert=alert, once=f"alert-acknowledged:{alert.pk}",
            )  # fmt: skip


def _of_notifications(incident: Incident) -> Iterator[IncidentEntry]:
    """Each message that was sent or given up; what a message told of besides is not told anew."""
    rows = (
        Notification.objects.filter(Q(alert__membership__incident=incident) | Q(incident=incident))
        .filter(state__in=(NotificationState.SENT, NotificationState.DEAD), carrier=None)
        .exclude(kind__in=(NotificationKind.CHANGED, NotificationKind.TEST))
        .select_related("channel", "alert")
        .order_by("pk")
    )
    for one in rows:
        text = f"{one.channel} was told: {one.get_kind_display().lower()}."
        if one.state == NotificationState.DEAD:
            text = f"{one.channel} could not be told. {one.reason}"
        yield IncidentEntry(
            incident=incident, kind=IncidentEntryKind.NOTIFICATION, at=one.settled_at or one.created_at, text=text,
            alert=one.alert, once=f"notification:{one.pk}",
        )  # fmt: skip


def _of_releases(incident: Incident, alerts: list[Alert], until: datetime) -> Iterator[IncidentEntry]:
    """Those of its services that were first heard of shortly before it or while it lasted."""
    found = services_of([story_of_alert(one) for one in alerts]) | {str(incident.service_id or "")}
    names = dict(Service.objects.filter(pk__in=[int(one) for one in found if one.isdigit()]).values_list("pk", "name"))
    releases = Release.objects.filter(
        service_id__in=list(names), first_seen_at__gte=incident.started_at - _BEFORE, first_seen_at__lte=until
    )
    for one in releases.order_by("first_seen_at", "service_id", "release", "environment")[:50]:
        where = f" in {one.environment}" if one.environment else ""
        yield IncidentEntry(
            incident=incident, kind=IncidentEntryKind.RELEASE, at=one.first_seen_at,
            text=f"Release {one.release} of {names[one.service_id]} was first heard of{where}.",
            once=f"release:{one.service_id}:{one.environment}:{one.release}"[:200],
        )  # fmt: skip
