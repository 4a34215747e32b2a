"""What is taken out of an incident again; time is passed in."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from alerts.incidents import opening, parting
from alerts.incidents.parting import PartingError
from alerts.models import AlertRule, Bond, Incident, IncidentIssue
from events.models import Issue
from tests.alerts.incidents.making import fire_grave, make_incident, said
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def test_an_alert_that_is_taken_out_is_part_of_nothing_and_the_timeline_says_so(now: datetime) -> None:
    alert = fire_grave({"service": "1"}, at=now)
    incident = Incident.objects.get()

    parting.remove_alert(incident.pk, alert.pk, by=None, at=now + MINUTE)

    assert not incident.memberships.exists()
    assert said(incident)[-1].endswith("was taken out: it is no part of this.")


def test_who_takes_it_out_second_is_told_that_nothing_changed(now: datetime) -> None:
    alert = fire_grave({"service": "1"}, at=now)
    incident = Incident.objects.get()
    parting.remove_alert(incident.pk, alert.pk, by=None, at=now + MINUTE)

    with pytest.raises(PartingError, match="Nothing changed"):
        parting.remove_alert(incident.pk, alert.pk, by=None, at=now + MINUTE)


def test_an_alert_that_is_moved_out_gets_an_incident_of_its_own(now: datetime) -> None:
    first, second = (fire_grave({"service": "1"}, at=now) for _ in range(2))
    incident = Incident.objects.get()

    apart = parting.move_out(incident.pk, second.pk, by=None, at=now + MINUTE)

    assert [one.alert_id for one in incident.memberships.all()] == [first.pk]
    assert [(one.alert_id, one.bond) for one in apart.memberships.all()] == [(second.pk, Bond.OPENER)]
    assert said(incident)[-1].endswith(f"goes on as incident #{apart.pk}.")


def test_the_only_alert_is_not_parted_from_its_incident(now: datetime) -> None:
    alert = fire_grave({"service": "1"}, at=now)
    incident = Incident.objects.get()

    with pytest.raises(PartingError, match="only alert"):
        parting.move_out(incident.pk, alert.pk, by=None, at=now + MINUTE)

    assert incident.memberships.count() == 1


def test_an_issue_can_be_taken_out_once(now: datetime, sender: Sender) -> None:
    sender.store({"event": "broke", "severity": "error", "message": "x"})
    issue, incident = Issue.objects.get(), make_incident(at=now)
    opening.add_issue(incident, issue, by=None, at=now)

    parting.remove_issue(incident.pk, issue.pk, by=None, at=now + MINUTE)

    assert not IncidentIssue.objects.exists()
    assert said(incident)[-1] == f"Issue {issue.pk} was taken out: {issue.title}"
    with pytest.raises(PartingError, match="Nothing changed"):
        parting.remove_issue(incident.pk, issue.pk, by=None, at=now + MINUTE)
