"""Which incident an alert that fires becomes part of: one that goes on and that it belongs to, else one of its own.

Called in the transaction that fires the alert, and by people. Nothing but inserts is done to incidents here, so that whoever fires
alerts waits for nobody who works on an incident; alerts.incidents.following brings the incident up to date afterwards. One at a
time: two alerts of one failure that fire at once are one incident.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction

from alerts.incidents import timeline
from alerts.incidents.belonging import Story, Tie, origins_of, story_of, tie_of
from alerts.incidents.timeline import Person, known
from alerts.models import (
    ONGOING,
    Alert,
    Bond,
    ConditionType,
    Incident,
    IncidentAlert,
    IncidentEntryKind,
    IncidentIssue,
    IncidentSeverity,
    IncidentState,
)
from alerts.on_call import escalating
from alerts.outbox import wording
from alerts.runbooks import steps
from events.models import Issue, Service

# An issue may have been there for months: it became an incident lately.
_LOOKED_BACK = timedelta(hours=24)
# A cascade of so many endpoints is most of a product.
_MANY = 5


class OpeningError(ValueError):
    """What was asked for cannot be done; the text says why, for people."""


def take(alert: Alert, *, at: datetime) -> Incident | None:
    """The incident of an alert that fires now: joined, or opened when its rule says so. None when it concerns none."""
    with transaction.atomic():
        _one_at_a_time()
        if (joined := _join(alert, at=at)) is not None:
            return joined
        return _open(alert, title=_title_of(alert), by=None, at=at) if alert.rule.opens_incident else None


def open_from_alert(alert_id: int, *, by: Person, at: datetime) -> Incident:
    """Somebody opens an incident for it; the one that it is part of already, where it is of one. Raises OpeningError."""
    with transaction.atomic():
        _one_at_a_time()
        alert = Alert.objects.select_related("rule").filter(pk=alert_id).first()
        if alert is None:
            raise OpeningError("The alert is gone: it was deleted with its rule.")
        part = Incident.objects.filter(memberships__alert=alert).first()
        return part or _open(alert, title=_title_of(alert), by=by, at=at)


def open_from_issue(issue_id: int, *, by: Person, at: datetime) -> Incident:
    """Somebody opens an incident for an issue; the one that goes on about it already, where there is one. Raises OpeningError."""
    with transaction.atomic():
        _one_at_a_time()
        issue = Issue.objects.select_related("service").filter(pk=issue_id).first()
        if issue is None:
            raise OpeningError("The issue is gone.")
        ongoing = Incident.objects.ongoing().filter(issue_links__issue=issue).first()
        if ongoing is not None:
            return ongoing
        incident = _make(
            title=issue.title, severity=_severity_of(issue.severity, []), service_id=issue.service_id, environment="",
            started_at=max(issue.first_seen_at, at - _LOOKED_BACK), at=at, by=by,
        )  # fmt: skip
        add_issue(incident, issue, by=by, at=at)
        steps.begin(incident, at=at)
        return incident


def open_by_hand(
    *, title: str, severity: int, service: Service | None, environment: str = "", by: Person, at: datetime
) -> Incident:
    """Raises OpeningError for a title that says nothing."""
    title = " ".join(title.replace("\x00", "").split())
    if not title:
        raise OpeningError("Give the incident a title: what is wrong, in a few words.")
    if severity not in IncidentSeverity.values:
        raise OpeningError("Choose how severe it is.")
    with transaction.atomic():
        incident = _make(
            title=title, severity=severity, service_id=service.pk if service else None, environment=environment[:64],
            started_at=at, at=at, by=by,
        )  # fmt: skip
        steps.begin(incident, at=at)
        return incident


def add_alert(incident: Incident, alert: Alert, *, by: Person, at: datetime) -> bool:
    """Somebody says that it belongs there; from another incident it is moved. False when it is part of it already."""
    with transaction.atomic():
        _one_at_a_time()
        before = IncidentAlert.objects.filter(alert=alert).select_related("incident").first()
        if before is not None and before.incident_id == incident.pk:
            return False
        if before is not None:
            before.delete()
            gone = f"{_title_of(alert)} was moved to incident #{incident.pk}."
            timeline.write(before.incident_id, IncidentEntryKind.ALERT, at=at, text=gone, by=by, alert=alert)
        IncidentAlert.objects.create(incident=incident, alert=alert, joined_at=at, bond=Bond.HAND)
        timeline.write(
            incident.pk, IncidentEntryKind.ALERT, at=at, text=f"{_title_of(alert)} was added.", by=by, alert=alert
        )
        _add_issues(incident, [alert], at=at)
        return True


def add_issue(incident: Incident, issue: Issue, *, by: Person, at: datetime) -> bool:
    """False when it is part of it already."""
    with transaction.atomic():
        _, is_new = IncidentIssue.objects.get_or_create(incident=incident, issue=issue, defaults={"joined_at": at})
        if is_new:
            timeline.write(
                incident.pk, IncidentEntryKind.ISSUE, at=at, text=f"Issue {issue.pk} joined: {issue.title}", by=by
            )
    return is_new


# --- Joining ----------------------------------------------------------------------------------------------------------


def _join(alert: Alert, *, at: datetime) -> Incident | None:
    """The newest incident with the strongest tie."""
    if IncidentAlert.objects.filter(alert=alert).exists():
        return Incident.objects.get(memberships__alert=alert)
    story, found = story_of_alert(alert), []
    for incident_id, members in _stories_by_incident().items():
        tie = tie_of(story, members.values(), now=at)
        if tie is not None:
            to = next(title for title, one in members.items() if one is tie[1])
            found.append((list(Tie).index(tie[0]), -incident_id, tie[0], to))
    if not found:
        return None
    _, number, tie_found, to = min(found)
    incident = Incident.objects.get(pk=-number)
    why = _why(tie_found, to, story, at)
    IncidentAlert.objects.create(incident=incident, alert=alert, joined_at=at, bond=Bond(tie_found.value), why=why)
    timeline.write(
        incident.pk, IncidentEntryKind.ALERT, at=at, text=f"{alert.summary} {why}".strip(), alert=alert,
        once=f"alert:{alert.pk}",
    )  # fmt: skip
    _add_issues(incident, [alert], at=at)
    return incident


def _stories_by_incident() -> dict[int, dict[str, Story]]:
    """Of the incidents that go on: what each of their alerts says, by the alert's title and number."""
    memberships = IncidentAlert.objects.filter(incident__state__in=ONGOING).select_related("alert__rule").order_by("pk")
    found: dict[int, dict[str, Story]] = defaultdict(dict)
    for one in memberships:
        found[one.incident_id][f"{_title_of(one.alert)} (alert {one.alert_id})"] = story_of_alert(one.alert)
    return found


def story_of_alert(alert: Alert) -> Story:
    return story_of(
        labels=alert.labels, rule_service=alert.rule.service_id, evidence=alert.evidence,
        is_cascade=alert.rule.condition == ConditionType.CASCADE, began_at=alert.started_at,
        last_at=max(alert.held_at, alert.started_at), is_grave=alert.rule.opens_incident,
    )  # fmt: skip


def _why(tie: Tie, to: str, story: Story, at: datetime) -> str:
    shared = {
        Tie.CASCADE: "It is part of the same cascade as",
        Tie.ISSUE: "It is about the same issue as",
        Tie.ORIGIN: f"It has the same likely origin ({', '.join(sorted(story.origins))[:80]}) as",
        Tie.ENDPOINT: "It is about the same endpoint as",
        Tie.SERVICE: "It is of the same service, at the same time, as",
    }
    return f"{shared[tie]} {to}."[:300]


# --- Opening ----------------------------------------------------------------------------------------------------------


def _open(alert: Alert, *, title: str, by: Person, at: datetime) -> Incident:
    story = story_of_alert(alert)
    services = {service for service in (story.service, *(place[0] for place in story.places)) if service.isdigit()}
    known_services = list(Service.objects.filter(pk__in=services).values_list("pk", flat=True))
    incident = _make(
        title=title, severity=_severity_of(alert.severity, list(story.places) if story.is_cascade else []),
        service_id=known_services[0] if len(known_services) == 1 else None, environment=story.environment,
        started_at=min(alert.began_at, at), at=at, by=by, rule_id=alert.rule_id,
        origins=origins_of(alert.evidence), commander=escalating.person_on_call(alert, at=at),
    )  # fmt: skip
    IncidentAlert.objects.create(incident=incident, alert=alert, joined_at=at)
    timeline.write(
        incident.pk, IncidentEntryKind.ALERT, at=at, text=alert.summary, alert=alert, once=f"alert:{alert.pk}"
    )
    _add_issues(incident, [alert], at=at)
    steps.begin(incident, at=at)
    return incident


def _make(
    *, title: str, severity: int, service_id: int | None, environment: str, started_at: datetime, at: datetime,
    by: Person, rule_id: int | None = None, origins: Iterable[str] = (), commander: User | None = None,
) -> Incident:  # fmt: skip
    incident = Incident.objects.create(
        title=title[:200], severity=severity, service_id=service_id, environment=environment, started_at=started_at,
        opened_at=at, opened_by=known(by), rule_id=rule_id, origins=[one[:200] for one in origins], commander=commander,
    )  # fmt: skip
    told = f"Opened as {IncidentSeverity(severity).name}: {incident.title}"
    timeline.write(incident.pk, IncidentEntryKind.OPENED, at=at, text=told, by=by, state=IncidentState.TRIGGERED)
    if commander is not None:
        timeline.write(
            incident.pk, IncidentEntryKind.ROLE, at=at, text=f"{commander.get_username()} is on call and commands."
        )
    return incident


def _severity_of(severity: str, cascade: list[tuple[str, str]]) -> int:
    """What it starts as; people say what it is."""
    if severity == "critical":
        return IncidentSeverity.SEV1 if len(cascade) >= _MANY else IncidentSeverity.SEV2
    return IncidentSeverity.SEV3 if severity == "error" else IncidentSeverity.SEV4


def _title_of(alert: Alert) -> str:
    # What fails, rather than the name of the rule that noticed it.
    first = alert.summary.split(". ")[0].rstrip(".")
    return first if alert.rule.condition == ConditionType.CASCADE else wording.title_of(alert)


def _add_issues(incident: Incident, alerts: Iterable[Alert], *, at: datetime) -> None:
    """Those that alerts are about."""
    numbers = {str(one.labels.get("issue") or one.evidence.get("issue") or "") for one in alerts}
    for issue in Issue.objects.filter(pk__in=[int(one) for one in numbers if one.isdigit()]):
        add_issue(incident, issue, by=None, at=at)


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('alerts.incidents.opening'))")
