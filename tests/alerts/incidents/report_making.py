"""An incident that is over, with all that a report tells of."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User

from alerts.incidents import follow_ups, handling
from alerts.incidents.report.drafting import draft
from alerts.models import AlertRule, Incident, IncidentReport, IncidentStepState
from alerts.runbooks import steps
from tests.alerts.making import make_alert, make_channel, make_notification
from tests.alerts.runbooks.making import make_incident, make_user

BEGAN = datetime(2026, 11, 28, 3, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def make_over(*, rule_key: str = "cascade", **fields: object) -> Incident:
    """It began at 03:02, was opened at 03:03, acknowledged by Ada at 03:05 and resolved by Bob at 03:41."""
    ada, bob = make_user("ada"), make_user("bob")
    rule = AlertRule.objects.get(key=rule_key)
    evidence = fields.pop("evidence", {
        "suspects": [{"kind": "release", "value": "lift@2.4.1", "score": 0.9, "evidence": ["It came 3 minutes before."]}],
    })  # fmt: skip
    alert = make_alert(rule, at=BEGAN, evidence=evidence)
    incident = make_incident(alert, at=BEGAN + MINUTE, started_at=BEGAN, commander=ada, **fields)
    steps.begin(incident, at=incident.opened_at)
    handling.acknowledge(incident.pk, by=ada, at=BEGAN + 3 * MINUTE)
    check, mitigate = incident.steps.get(kind="check"), incident.steps.get(kind="mitigate")
    steps.settle(check.pk, by=ada, at=BEGAN + 4 * MINUTE, state=IncidentStepState.DONE)
    steps.settle(mitigate.pk, by=ada, at=BEGAN + 20 * MINUTE, state=IncidentStepState.DONE, outcome="Rolled *back*")
    make_notification(make_channel("Pager"), alert, at=BEGAN, reason="Given up after 10 attempts: <gone>")
    handling.resolve(incident.pk, by=bob, at=BEGAN + 39 * MINUTE)
    incident.refresh_from_db()
    return incident


def make_report(**fields: object) -> IncidentReport:
    """As it is drafted."""
    incident = make_over(**fields)
    return draft(incident, at=BEGAN + 39 * MINUTE)


def make_complete(**fields: object) -> IncidentReport:
    """With a cause and a follow-up: it can be submitted."""
    report = make_report(**fields)
    IncidentReport.objects.filter(pk=report.pk).update(root_cause="A **statement** without a timeout.")
    follow_ups.add(report.incident_id, text="Set a timeout", by=None, at=BEGAN)
    report.refresh_from_db()
    return report


def person(name: str) -> User:
    return User.objects.get(username=name)
