"""Puts an alert into words: what, where, how many users, since when, whether it grows, an example, the likely cause, what to do."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from alerts.acting import signed_links
from alerts.channels.message import AlertMessage, EventCounts, Link, ListedAlert, MessageKind
from alerts.conditions import spoken
from alerts.judging import counting
from alerts.matching import Words
from alerts.models import Alert, Channel, EntryKind, IncidentAlert, Notification
from alerts.outbox import inhibiting, lateness, telling
from events.ingest.types import Severity
from events.models import Event, Issue, Release, Service
from events.rollup_tables import FAILURES

_MINUTE = timedelta(minutes=1)
# What users and counts are told of at most: an alert that fires for a week is not counted through anew with each message.
_LONGEST = timedelta(hours=24)
_STEPS, _STEP = 12, timedelta(minutes=5)
COUNTED = _STEPS * _STEP
# A release that came so shortly before is worth a look.
_SUSPECT = timedelta(hours=2)
# Labels of a group that say where something is; the others say what.
_PLACES = ("service", "environment", "endpoint")


def message_of(batch: Sequence[Notification]) -> AlertMessage:
    """The message of the first row, which speaks for all of them."""
    first = batch[0]
    if first.incident_id is not None:
        return lateness.message_of(first)
    assert first.alert is not None  # noqa: S101 - a test is worded by test_message
    message = _of_alert(first.alert, MessageKind(first.kind), first.channel_id)
    if len(batch) == 1:
        return message
    names = _service_names()
    alerts = {one.alert.pk: one.alert for one in batch if one.alert is not None}
    listed = tuple(_listed(alert, names) for alert in alerts.values())
    worst = max((Severity(alert.severity) for alert in alerts.values()), key=lambda one: one.rank)
    first_at = min(alert.started_at for alert in alerts.values())
    ends = [alert.resolved_at for alert in alerts.values() if alert.resolved_at is not None]
    return AlertMessage(
        kind=message.kind, severity=worst, alert_id=message.alert_id, title=f"{len(listed)} alerts",
        since=first_at, what=_storm_sentence(list(alerts.values())), at=message.at,
        url=f"{settings.BASE_URL}{reverse('admin:alerts_alert_changelist')}",
        resolved_at=max(ends) if message.is_over and ends else None, alerts=listed, alerts_count=len(listed),
        labels={"storm": str(len(listed))}, acknowledged=message.acknowledged, muted=message.muted,
    )  # fmt: skip


def test_message(channel: Channel, *, now: datetime) -> AlertMessage:
    return AlertMessage(
        kind=MessageKind.TEST, severity=Severity.WARNING, alert_id=f"test-{channel.pk}", title=f"Test of {channel.name}",
        at=now, since=now, what="Somebody asked Liftmon whether messages arrive here. They do; nothing is wrong.",
        url=settings.BASE_URL,
    )  # fmt: skip


def title_of(alert: Alert) -> str:
    """“db_pool_error”, or “An AI provider fails: openai”: the rule, and what its group is about."""
    told = [value for word, value in sorted(alert.labels.items()) if word not in (*_PLACES, "issue") and value]
    if "name" in alert.labels:
        return ", ".join(told)
    return f"{alert.rule.name}: {', '.join(told)}" if told else alert.rule.name


def where_of(alert: Alert, services: Mapping[int, str]) -> str:
    """“lift web, production, /api/career”."""
    service = str(alert.labels.get("service") or alert.rule.service_id or alert.evidence.get("service") or "")
    name = services.get(int(service), f"service {service}") if service.isdigit() else ""
    endpoint = alert.labels.get("endpoint") or str(alert.evidence.get("endpoint", ""))
    return ", ".join(one for one in (name, alert.labels.get("environment", ""), endpoint) if one)


def takes_of(alert: Alert) -> counting.Takes:
    """Whether counters with some words are of this alert. An issue's are those of its name: issues have no minutes of their own."""
    match, labels = alert.rule.match, {word: value for word, value in alert.labels.items() if word != "issue"}
    if "issue" in alert.labels:
        issue = Issue.objects.filter(pk=int(alert.labels["issue"])).values_list("service_id", "name").first()
        service, name = issue or ("", "")
        labels |= {"service": str(service), "name": name}

    def takes(words: Words) -> bool:
        return match.takes(words) and all(words.label(word) == value for word, value in labels.items())

    return takes


def _of_alert(alert: Alert, kind: MessageKind, channel_id: int) -> AlertMessage:
    now, takes = timezone.now(), takes_of(alert)
    services = _service_names()
    event = newest_event(alert)
    counts = counts_of(alert, takes, now)
    admin = f"{settings.BASE_URL}{reverse('admin:alerts_alert_change', args=[alert.pk])}"
    return AlertMessage(
        kind=kind,
        severity=Severity(alert.severity),
        alert_id=str(alert.pk),
        title=title_of(alert),
        at=now,
        since=alert.started_at,
        what=alert.summary,
        where=where_of(alert, services),
        users_count=users_hurt(alert, takes, now),
        growth=growth_of(counts) if kind is not MessageKind.RESOLVED else "",
        newest_example=example_of(event) if kind is not MessageKind.RESOLVED else "",
        likely_cause=likely_cause(alert, event),
        runbook_url=_runbook_url(alert, admin),
        url=admin,
        resolved_at=alert.resolved_at,
        links=_links(alert, kind, channel_id),
        labels={word: str(value) for word, value in alert.labels.items() if value},
        event_counts=counts,
        acknowledged=_acknowledged(alert),
        muted=telling.why_muted(alert, at=now) if kind is MessageKind.CHANGED else "",
        mutes=tuple(_listed(one, services) for one in inhibiting.muted_by(alert))
        if kind is not MessageKind.RESOLVED
        else (),
    )


def _acknowledged(alert: Alert) -> str:
    """“03:12 UTC, by ada”, or how it was done; "" while nobody did."""
    if alert.acknowledged_at is None:
        return ""
    entry = alert.entries.filter(kind=EntryKind.ACKNOWLEDGED).order_by("-pk").first()
    how = (
        f", by {alert.acknowledged_by.get_username()}" if alert.acknowledged_by else f". {entry.text}" if entry else ""
    )
    return f"{alert.acknowledged_at:%H:%M} UTC{how}"


def _links(alert: Alert, kind: MessageKind, channel_id: int) -> tuple[Link, ...]:
    if kind is MessageKind.RESOLVED:
        return ()
    verbs = [("Silence for an hour", "silence")]
    if alert.acknowledged_at is None:
        verbs.insert(0, ("Acknowledge", "acknowledge"))
    acts = tuple(
        Link(label, signed_links.address_of(signed_links.Act(alert.pk, action, channel_id))) for label, action in verbs
    )
    part = IncidentAlert.objects.filter(alert=alert).first()
    if part is None:
        return acts
    address = f"{settings.BASE_URL}{reverse('admin:alerts_incident_change', args=[part.incident_id])}"
    return (*acts, Link(f"Incident #{part.incident_id}", address))


def _runbook_url(alert: Alert, admin: str) -> str:
    runbook = alert.rule.runbook.strip()
    if runbook.startswith(("https://", "http://")) and " " not in runbook and "\n" not in runbook:
        return runbook
    return f"{admin}#runbook" if runbook else ""


def _service_names() -> dict[int, str]:
    return dict(Service.objects.values_list("pk", "name"))


def span_of(alert: Alert, now: datetime) -> tuple[datetime, datetime]:
    """Whole minutes since it began, or the last day of them."""
    end = counting.full_minute(alert.resolved_at or now) + _MINUTE
    return max(counting.full_minute(alert.began_at), end - _LONGEST), end


def users_hurt(alert: Alert, takes: counting.Takes, now: datetime) -> int:
    start, end = span_of(alert, now)
    return len(counting.users_of(start=start, end=end, severities=FAILURES, takes=takes))


def counts_of(alert: Alert, takes: counting.Takes, now: datetime) -> EventCounts:
    """Of the last hour until now, or until it was over, by five minutes."""
    end = counting.full_minute(alert.resolved_at or now) + _MINUTE
    start = end - COUNTED
    steps = [0] * _STEPS
    for words, minute, count in counting.by_minute(start=start, end=end):
        if takes(words):
            steps[(minute - start) // _STEP] += count
    return EventCounts(sum(steps), int(COUNTED.total_seconds()), tuple(steps))


def growth_of(counts: EventCounts) -> str:
    """“Growing: 40 in the last 5 minutes, 12 in the 5 before”; "" where there is nothing to compare."""
    *_, before, last = counts.steps
    if not before and not last:
        return ""
    if not before:
        return f"New: {last:,} in the last {spoken(_STEP.total_seconds())}, none in those before."
    # Beyond what a count scatters by.
    margin = 2 * before**0.5
    verb = "Growing" if last > before + margin else "Falling" if last < before - margin else "Steady"
    return f"{verb}: {last:,} in the last {spoken(_STEP.total_seconds())}, {before:,} in those before."


def newest_event(alert: Alert) -> Event | None:
    if event_id := alert.evidence.get("event_id"):
        return Event.objects.filter(pk=event_id).select_related("service").first()
    match, now = alert.rule.match, timezone.now()
    events = Event.objects.filter(occurred_at__gte=max(alert.started_at - timedelta(hours=1), now - _LONGEST))
    if match.names and not any("*" in name for name in match.names):
        events = events.filter(name__in=match.names)
    if service := alert.labels.get("service") or match.service_id:
        events = events.filter(service_id=int(service))
    if endpoint := alert.labels.get("endpoint"):
        events = events.filter(endpoint=endpoint)
    return events.filter(severity__in=match.severities or FAILURES).order_by("-occurred_at").first()


def example_of(event: Event | None) -> str:
    if event is None:
        return ""
    raised = event.exception[-1] if event.exception else {}
    thrown = f"{raised.get('type', '')}: {raised.get('value', '')}".strip(": ")
    return thrown or event.message or event.name


def likely_cause(alert: Alert, event: Event | None) -> str:
    """What the judgement found, or a release that came shortly before; "" for nothing known."""
    if told := alert.evidence.get("likely_cause"):
        return str(told)
    service = alert.labels.get("service") or alert.rule.service_id or (event.service_id if event else None)
    if not service:
        return ""
    releases = Release.objects.filter(
        service_id=int(service), first_seen_at__lte=alert.started_at, first_seen_at__gte=alert.started_at - _SUSPECT
    )
    release = releases.order_by("-first_seen_at").first()
    if release is None:
        return ""
    before = spoken((alert.started_at - release.first_seen_at).total_seconds())
    return f"Release {release.release} was first heard of {before} before."


def _listed(alert: Alert, services: Mapping[int, str]) -> ListedAlert:
    return ListedAlert(
        alert_id=str(alert.pk),
        title=title_of(alert),
        severity=Severity(alert.severity),
        since=alert.started_at,
        where=where_of(alert, services),
        url=f"{settings.BASE_URL}{reverse('admin:alerts_alert_change', args=[alert.pk])}",
        labels={word: str(value) for word, value in alert.labels.items() if value},
        resolved_at=alert.resolved_at,
    )


def _storm_sentence(alerts: Sequence[Alert]) -> str:
    """“12 × New issue, 3 × Warning”: the rules with the most first."""
    by_rule: dict[str, int] = {}
    for alert in alerts:
        by_rule[alert.rule.name] = by_rule.get(alert.rule.name, 0) + 1
    return ", ".join(f"{count} × {name}" for name, count in sorted(by_rule.items(), key=lambda one: (-one[1], one[0])))
