"""What Liftmon knows by itself of an incident that is over: the course, the steps, who was told, and what may have caused it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from alerts.conditions import spoken
from alerts.incidents.impact import Impact, impact_of
from alerts.incidents.opening import story_of_alert
from alerts.models import (
    Alert,
    FollowUp,
    Incident,
    IncidentEntry,
    IncidentEntryKind,
    IncidentState,
    IncidentStep,
    IncidentStepState,
    Notification,
    NotificationKind,
    NotificationState,
)
from alerts.runbooks.steps import is_in_time
from events.models import Event, Release, Service

# Releases that came so long before it, or so shortly after it seemed to begin.
_BEFORE, _AFTER = timedelta(hours=2), timedelta(minutes=2)
_MOST = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was read of an incident, once. ``at``: when."""

    incident: Incident
    alerts: Sequence[Alert]
    entries: Sequence[IncidentEntry]
    steps: Sequence[IncidentStep]
    notifications: Sequence[Notification]
    updates_count: int
    impact: Impact
    suspects: Sequence[Mapping[str, Any]]
    at: datetime

    @property
    def failed_notifications(self) -> list[Notification]:
        return [one for one in self.notifications if one.state == NotificationState.DEAD]

    @property
    def states(self) -> list[tuple[str, timedelta]]:
        """Each state that it was in, in order, and for how long; the last one ends when it was resolved, or now."""
        moves = [(one.state, one.at) for one in self.entries if one.state and one.state != IncidentState.TRIGGERED]
        reached = [(IncidentState.TRIGGERED.value, self.incident.opened_at), *moves]
        end = self.incident.resolved_at or self.at
        ends = [*(at for _, at in reached[1:]), end]
        return [(state, max(until - at, timedelta())) for (state, at), until in zip(reached, ends, strict=True)]

    @property
    def metrics(self) -> dict[str, Any]:
        """Durations in whole seconds; null for what did not happen or was not counted."""
        incident = self.incident
        in_states: dict[str, int] = defaultdict(int)
        for state, lasted in self.states:
            in_states[state] += int(lasted.total_seconds())
        in_states.pop("resolved", None)
        settled = [one for one in self.steps if one.state == IncidentStepState.DONE]
        return {
            "mtta_seconds": seconds_between(incident.opened_at, incident.acknowledged_at),
            "mttm_seconds": seconds_between(incident.opened_at, incident.mitigated_at),
            "mttr_seconds": seconds_between(incident.opened_at, incident.resolved_at),
            "duration_seconds": seconds_between(incident.started_at, incident.ended_at),
            "states": dict(in_states),
            "users": self.impact.users_count,
            "failed_requests": self.impact.failed_count,
            "requests": self.impact.requests_count,
            "alerts": len(self.alerts),
            "notifications": sum(one.state == NotificationState.SENT for one in self.notifications),
            "notifications_failed": len(self.failed_notifications),
            "steps_in_time": sum(is_in_time(one) for one in settled),
            "steps_late": sum(not is_in_time(one) for one in settled) + len(self.undone),
        }

    @property
    def undone(self) -> list[IncidentStep]:
        """Steps that nobody did and nobody called needless, whose time was over when it was resolved."""
        end = self.incident.resolved_at or self.at
        return [one for one in self.steps if one.state == IncidentStepState.OPEN and one.due_at <= end]


def read(incident: Incident, *, at: datetime) -> Facts:
    alerts = list(incident.alerts.select_related("rule").order_by("membership__joined_at", "membership__pk"))
    entries = incident.entries.select_related("actor").order_by("at", "pk")
    steps = list(incident.steps.select_related("settled_by").order_by("position", "pk"))
    for step in steps:
        step.incident = incident
    told = Notification.objects.filter(Q(alert__in=alerts) | Q(incident=incident), carrier=None)
    told = told.exclude(kind__in=(NotificationKind.TEST, NotificationKind.CHANGED))
    return Facts(
        incident=incident, alerts=alerts, entries=list(entries), steps=steps,
        notifications=list(told.select_related("channel").order_by("pk")), updates_count=incident.status_updates.count(),
        impact=impact_of(incident, alerts, now=at), suspects=_suspects(incident, alerts), at=at,
    )  # fmt: skip


def seconds_between(start: datetime, end: datetime | None) -> int | None:
    return max(int((end - start).total_seconds()), 0) if end is not None else None


def open_follow_ups(incident: Incident) -> list[FollowUp]:
    return list(incident.follow_ups.filter(done_at=None).select_related("owner").order_by("created_at", "pk"))


# --- What may have caused it ------------------------------------------------------------------------------------------


def _suspects(incident: Incident, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
    """Each as {"kind", "value", "evidence": [sentences]}: those of cascades first, each once."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in (*_of_cascades(alerts), *_releases(incident, alerts), *_exceptions(alerts)):
        known = found.setdefault((one["kind"], one["value"]), {**one, "evidence": []})
        known["evidence"] += [line for line in one["evidence"] if line not in known["evidence"]]
    return list(found.values())[:_MOST]


def _of_cascades(alerts: Iterable[Alert]) -> Iterable[dict[str, Any]]:
    for alert in alerts:
        written = alert.evidence.get("suspects")
        for one in written if isinstance(written, list) else ():
            if isinstance(one, dict) and one.get("value"):
                evidence = [str(line) for line in one.get("evidence") or ()]
                yield {
                    "kind": str(one.get("kind") or "suspect"),
                    "value": str(one["value"])[:200],
                    "evidence": evidence,
                }


def _releases(incident: Incident, alerts: Sequence[Alert]) -> Iterable[dict[str, Any]]:
    """First heard of shortly before it, of its services."""
    stories = [story_of_alert(one) for one in alerts]
    services = {service for one in stories for service in (one.service, *(place[0] for place in one.places))}
    services.add(str(incident.service_id or ""))
    names = dict(
        Service.objects.filter(pk__in=[int(one) for one in services if one.isdigit()]).values_list("pk", "name")
    )
    releases = Release.objects.filter(
        service_id__in=list(names), first_seen_at__gte=incident.started_at - _BEFORE,
        first_seen_at__lte=incident.started_at + _AFTER,
    )  # fmt: skip
    for one in releases.order_by("-first_seen_at", "service_id", "release", "environment")[:_MOST]:
        before = (incident.started_at - one.first_seen_at).total_seconds()
        when = f"{spoken(before)} before the first failure" if before > 0 else "as it began"
        where = f" in {one.environment}" if one.environment else ""
        yield {
            "kind": "release", "value": one.release,
            "evidence": [f"{names[one.service_id]} was first heard of with it{where} {when}."],
        }  # fmt: skip


def _exceptions(alerts: Sequence[Alert]) -> Iterable[dict[str, Any]]:
    """What was thrown in the events of several alerts."""
    ids = [str(one.evidence["event_id"]) for one in alerts if one.evidence.get("event_id")][:100]
    if len(ids) < 2:
        return
    thrown = Event.objects.filter(pk__in=ids).values_list("exception", flat=True)
    types = Counter(str(one[-1].get("type") or "") for one in thrown if isinstance(one, list) and one)
    for name, count in sorted(types.items(), key=lambda one: (-one[1], one[0])):
        if name and count >= 2:
            yield {
                "kind": "exception", "value": name[:200],
                "evidence": [f"It was thrown in the events of {count} of {len(ids)} alerts."],
            }  # fmt: skip


def kinds_of(entries: Iterable[IncidentEntry], *kinds: IncidentEntryKind) -> list[IncidentEntry]:
    return [one for one in entries if one.kind in kinds]
