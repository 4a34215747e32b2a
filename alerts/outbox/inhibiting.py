"""Alerts that mute others, because who was told of them knows enough: a cascade mutes those of its members, a rule that says so
mutes what is less severe and has the same labels, and an alert of an incident mutes those that joined it as part of one failure.

Only an alert that people are told of mutes: were it muted itself, or on no route, its members would be told to nobody. Like a
silence it mutes telling and not judging; when it is over and they still fire, `alerts.outbox.telling.remind` tells of them.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from alerts.models import (
    ONGOING,
    Alert,
    Bond,
    ConditionType,
    IncidentAlert,
    Notification,
    NotificationKind,
    NotificationState,
)
from events.ingest.types import Severity

# An endpoint's own alert often comes first: a cascade needs several of them. What fired earlier is a story of its own.
_BEFORE = timedelta(minutes=10)
# The ties of alerts.incidents.belonging that are of one failure, and what a person put there.
_OF_ONE_FAILURE = (Bond.CASCADE, Bond.ISSUE, Bond.ORIGIN, Bond.HAND)


def inhibitor_of(alert: Alert) -> Alert | None:
    """The alert that mutes it now, the first to have fired where there are several."""
    told = Notification.objects.filter(
        alert=OuterRef("pk"), state__in=(NotificationState.WAITING, NotificationState.SENT)
    )
    may_mute = Q(rule__condition=ConditionType.CASCADE) | Q(rule__inhibits_lower=True)
    part = IncidentAlert.objects.filter(alert=alert, bond__in=_OF_ONE_FAILURE, incident__state__in=ONGOING).first()
    if part is not None:
        may_mute |= Q(membership__incident=part.incident_id, membership__lt=part.pk)
    muting = (
        Alert.objects.firing()
        .filter(may_mute)
        .filter(Exists(told.exclude(kind=NotificationKind.CHANGED)))
        .exclude(pk=alert.pk)
        .select_related("rule", "membership")
        .order_by("fired_at", "pk")
    )
    return next((one for one in muting if inhibits(one, alert) or _tells_of_it(one, alert, part)), None)


def why_inhibited(by: Alert | None) -> str:
    """The sentence that stands where the muted one would be told; "" for None."""
    if by is None:
        return ""
    if by.rule.condition == ConditionType.CASCADE:
        return f"Part of the cascade “{_cut(by.summary)}” (alert {by.pk}), which was told of."
    if not by.rule.inhibits_lower:
        return f"Part of the same incident as “{_cut(by.summary)}” (alert {by.pk}), which was told of."
    return f"Less severe than “{_cut(by.summary)}” (alert {by.pk}), which was told of."


def mute_waiting(by: Alert, *, at: datetime) -> int:
    """It fires: what waits to be told of those that it mutes is not. How many messages those are."""
    if by.rule.condition != ConditionType.CASCADE and not by.rule.inhibits_lower:
        return 0
    waiting = Notification.objects.filter(state=NotificationState.WAITING, attempt_count=0)
    waiting = waiting.exclude(kind__in=(NotificationKind.RESOLVED, NotificationKind.CHANGED))
    alerts = Alert.objects.firing().filter(Exists(waiting.filter(alert=OuterRef("pk")))).exclude(pk=by.pk)
    muted = [one.pk for one in alerts.select_related("rule") if inhibits(by, one)]
    return waiting.filter(alert__in=muted).update(
        state=NotificationState.MUTED, settled_at=at, reason=why_inhibited(by), inhibited_by=by
    )


def muted_by(alert: Alert) -> list[Alert]:
    """Those that fire and are not told of because of it, the oldest first."""
    muted = Notification.objects.filter(alert=OuterRef("pk"), inhibited_by=alert, state=NotificationState.MUTED)
    return list(Alert.objects.firing().filter(Exists(muted)).select_related("rule").order_by("fired_at", "pk"))


def inhibits(by: Alert, alert: Alert) -> bool:
    """Whether one mutes the other, both firing and the first one told of."""
    if by.pk == alert.pk or alert.rule.condition == ConditionType.CASCADE:
        return False
    if by.rule.condition == ConditionType.CASCADE and _is_member(alert, by):
        return True
    return by.rule.inhibits_lower and _is_lower(alert, by)


def _tells_of_it(by: Alert, alert: Alert, part: IncidentAlert | None) -> bool:
    """It joined an incident as part of the failure of which one before it tells. A cascade is news, and so is what is worse."""
    if part is None or alert.rule.condition == ConditionType.CASCADE or not hasattr(by, "membership"):
        return False
    is_earlier = by.membership.incident_id == part.incident_id and by.membership.pk < part.pk
    return is_earlier and Severity(alert.severity).rank <= Severity(by.severity).rank


def _is_member(alert: Alert, cascade: Alert) -> bool:
    """It is about an endpoint of the cascade, and began within it or shortly before. What is worse than the cascade is told."""
    if Severity(alert.severity).rank > Severity(cascade.severity).rank:
        return False
    words = _words(alert)
    endpoint, service = words.get("endpoint", ""), words.get("service", "")
    return any(
        endpoint == str(member.get("endpoint", ""))
        # An alert that is kept apart by its endpoint alone does not say of which service it is.
        and service in ("", str(member.get("service", "")))
        and alert.started_at >= _began_at(member, cascade) - _BEFORE
        for member in _members(cascade)
        if endpoint
    )


def _is_lower(alert: Alert, by: Alert) -> bool:
    """Less severe, with every label of the other. An alert without labels is about everything, which mutes nothing."""
    words = _words(alert)
    labels = {word: str(value) for word, value in by.labels.items() if value}
    is_less = Severity(alert.severity).rank < Severity(by.severity).rank
    return is_less and bool(labels) and all(words.get(word) == value for word, value in labels.items())


def _words(alert: Alert) -> dict[str, str]:
    """The labels of its group, and what else is known of where it is."""
    where: Iterable[tuple[str, Any]] = (
        ("service", alert.rule.service_id or alert.evidence.get("service")),
        ("endpoint", alert.evidence.get("endpoint")),
    )
    known = {word: str(value) for word, value in where if value}
    return known | {word: str(value) for word, value in alert.labels.items() if value}


def _members(cascade: Alert) -> list[Mapping[str, Any]]:
    members = cascade.evidence.get("members")
    return [one for one in members if isinstance(one, dict)] if isinstance(members, list) else []


def _began_at(member: Mapping[str, Any], cascade: Alert) -> datetime:
    try:
        return min(datetime.fromisoformat(str(member["began_at"])), cascade.started_at)
    except (KeyError, ValueError, TypeError):
        return cascade.started_at


def _cut(text: str) -> str:
    # What is left of the 300 characters of a reason.
    return text if len(text) <= 200 else f"{text[:199]}…"
