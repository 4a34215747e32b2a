"""Where alerts and issues are: the incident that they are part of, and a button that opens one."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.incidents import handling, opening
from alerts.models import Incident
from events.models import Issue
from tests.alerts.admin.people import make_alert, make_person, make_rule
from tests.alerts.incidents.making import fire_grave, make_incident
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.usefixtures("only_own_rules")
INBOX, INCIDENTS = "/admin/alerts/alert/", "/admin/alerts/incident/"
BUTTON = "Open an incident</button>"


@pytest.fixture
def bob(db: None) -> User:
    """May act on alerts and incidents, and look at issues."""
    rights = (
        "alerts.view_alert",
        "alerts.change_alert",
        "alerts.change_incident",
        "events.view_issue",
        "events.view_event",
    )
    return make_person("bob", *rights)


def get(person: User, address: str) -> str:
    answer = client_of(person).get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_alert_says_of_which_incident_it_is_part_and_why(bob: User) -> None:
    now = timezone.now()
    _, second = (fire_grave({"service": "1"}, at=now) for _ in range(2))
    incident = Incident.objects.get()

    page = get(bob, f"{INBOX}{second.pk}/change/")

    assert f'<a href="{INCIDENTS}{incident.pk}/change/">incident #{incident.pk}: {incident.title}</a>' in page
    assert "It is of the same service, at the same time, as" in page
    assert BUTTON not in page


@pytest.mark.parametrize("state", ["firing", "resolved"])
def test_an_alert_that_is_part_of_none_can_open_one(bob: User, state: str) -> None:
    alert = make_alert(make_rule(), state=state)

    page = get(bob, f"{INBOX}{alert.pk}/change/")

    assert f'action="{INCIDENTS}open/alert/{alert.pk}/"' in page
    assert BUTTON in page


def test_the_inbox_links_to_incidents_and_opens_one_in_a_row(bob: User) -> None:
    part = fire_grave({"service": "1"}, at=timezone.now())
    alone = make_alert(make_rule("Alone"))
    incident = Incident.objects.get()

    page = get(bob, INBOX)

    assert re.search(
        rf'<a class="[^"]+" href="{INCIDENTS}{incident.pk}/change/" title="Opened it">Incident #{incident.pk}</a>', page
    )
    assert f'formaction="{INCIDENTS}open/alert/{alone.pk}/"' in page
    assert f'formaction="{INCIDENTS}open/alert/{part.pk}/"' not in page


def test_who_may_act_on_alerts_alone_sees_no_incident_and_opens_none(ada: User) -> None:
    part = fire_grave({"service": "1"}, at=timezone.now())
    alone = make_alert(make_rule("Alone"))

    for address in (INBOX, f"{INBOX}{part.pk}/change/", f"{INBOX}{alone.pk}/change/"):
        content = get(ada, address).partition('id="content')[2]
        assert INCIDENTS not in content, address


def test_who_may_open_incidents_and_only_look_at_alerts_finds_the_button_alone(db: None) -> None:
    alert = make_alert(make_rule())
    person = make_person("carol", "alerts.view_alert", "alerts.change_incident")

    page = get(person, f"{INBOX}{alert.pk}/change/")

    assert BUTTON in page
    assert "Acknowledge</button>" not in page
    assert "Add the note" not in page


class TestIssues:
    @pytest.fixture
    def issue(self, sender: Sender) -> Issue:
        sender.store({"event": "broke", "severity": "error", "message": "x"})
        return Issue.objects.get()

    def page(self, person: User, issue: Issue) -> str:
        return get(person, f"/admin/events/issue/{issue.pk}/change/")

    def test_an_issue_opens_one(self, bob: User, issue: Issue) -> None:
        assert f'action="{INCIDENTS}open/issue/{issue.pk}/"' in self.page(bob, issue)

    def test_it_links_to_those_that_it_is_part_of_and_opens_another_when_they_are_over(
        self, bob: User, issue: Issue
    ) -> None:
        now = timezone.now()
        incident = make_incident(at=now - timedelta(hours=1))
        opening.add_issue(incident, issue, by=None, at=now)

        assert f'href="{INCIDENTS}{incident.pk}/change/">Incident #{incident.pk} (triggered)</a>' in self.page(
            bob, issue
        )
        assert BUTTON not in self.page(bob, issue)
        handling.resolve(incident.pk, by=None, at=now)
        assert f"Incident #{incident.pk} (resolved)" in self.page(bob, issue)
        assert BUTTON in self.page(bob, issue)

    def test_who_may_not_look_at_incidents_sees_none(self, issue: Issue) -> None:
        opening.add_issue(make_incident(), issue, by=None, at=timezone.now())
        person = make_person("dan", "events.view_issue", "events.view_event")

        assert INCIDENTS not in self.page(person, issue).partition('id="content-main"')[2]
