"""Opening an incident by hand."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from alerts.models import Incident
from events.models import Issue
from tests.alerts.admin.incidents.visiting import LIST
from tests.alerts.admin.people import make_alert, make_rule
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

pytestmark = pytest.mark.usefixtures("only_own_rules")


class TestOpening:
    def test_somebody_opens_one_by_hand(self, ada: User, sender: Sender) -> None:
        client = client_of(ada)
        fields = {"title": "Nobody can pay", "severity": "1", "service": sender.service.pk, "environment": "production"}

        answer = client.post(f"{LIST}open/", fields)

        incident = Incident.objects.get()
        assert answer["Location"] == f"{LIST}{incident.pk}/change/"
        assert (incident.title, incident.severity, incident.opened_by) == ("Nobody can pay", 1, ada)
        assert (incident.service, incident.environment) == (sender.service, "production")
        assert LogEntry.objects.get().get_change_message() == "Opened as SEV1: Nobody can pay"

    @pytest.mark.parametrize("fields", [{"title": "", "severity": "1"}, {"title": "x", "severity": "9"}, {}])
    def test_one_that_says_too_little_is_asked_for_the_rest(self, ada: User, fields: dict[str, str]) -> None:
        answer = client_of(ada).post(f"{LIST}open/", fields or {"title": "\x00", "severity": "1"})

        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
        assert not Incident.objects.exists()

    def test_from_an_alert_it_has_the_alert_and_a_second_one_is_not_opened(self, ada: User) -> None:
        alert = make_alert(make_rule("Pool"))
        client = client_of(ada)

        first, second = (client.post(f"{LIST}open/alert/{alert.pk}/") for _ in range(2))

        incident = Incident.objects.get()
        assert first["Location"] == second["Location"] == f"{LIST}{incident.pk}/change/"
        assert incident.memberships.get().alert == alert
        assert LogEntry.objects.count() == 1
        shown: Any = client.get(second["Location"])
        assert "There is an incident about it already" in " ".join(map(str, shown.context["messages"]))

    def test_from_an_issue_it_has_the_issue(self, ada: User, sender: Sender) -> None:
        sender.store({"event": "broke", "severity": "error", "message": "x"})
        issue = Issue.objects.get()

        client_of(ada).post(f"{LIST}open/issue/{issue.pk}/")

        assert Incident.objects.get().issues.get() == issue

    @pytest.mark.parametrize("what", ["alert", "issue"])
    def test_from_what_is_gone_none_is_opened(self, ada: User, what: str) -> None:
        assert client_of(ada).post(f"{LIST}open/{what}/4711/")["Location"] == LIST
        assert not Incident.objects.exists()
