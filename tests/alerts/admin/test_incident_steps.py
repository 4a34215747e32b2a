"""The checklist of an incident: on a phone, without scripts, and of two people at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.models import Incident, Runbook
from alerts.runbooks import steps
from tests.alerts.runbooks.making import make_incident, make_runbook
from tests.events.admin.people import client_of, make_person

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ada(db: None) -> User:
    person = make_person("ada", "view_incident", "change_incident")
    person.first_name = "Ada"
    person.save()
    return person


@pytest.fixture
def eve(db: None) -> User:
    return make_person("eve", "view_incident")


@pytest.fixture
def incident() -> Incident:
    """Opened 17 minutes ago: of its steps one is done, one is late, and two are to do."""
    incident = make_incident(at=timezone.now() - 17 * MINUTE)
    steps.begin(incident, at=incident.opened_at)
    first = incident.steps.get(kind="check")
    steps.settle(first.pk, by=None, at=incident.opened_at + 2 * MINUTE, state="done", outcome="37 users <hurt>")
    return incident


def address(incident: Incident) -> str:
    return f"/admin/alerts/incident/{incident.pk}/steps/"


def post(person: User, incident: Incident, kind: str, act: str, *, htmx: bool = False, **more: Any) -> Any:
    step = incident.steps.get(kind=kind)
    headers = {"HX-Request": "true"} if htmx else {}
    return client_of(person).post(address(incident), {"step": step.pk, "act": act, **more}, headers=headers)


def test_each_step_says_how_its_clock_stands(ada: User, incident: Incident) -> None:
    page = client_of(ada).get(address(incident)).content.decode()

    assert "1 of 4 done, 1 late" in page
    for words in ("Done after 2 min, in time", "2 min late", "Due in 12 min", "37 users &lt;hurt&gt;", "within 15 min"):
        assert words in page, words
    assert "<code>SELECT pg_terminate_backend(pid);</code>" in page


def test_only_the_next_step_is_unfolded(ada: User, incident: Incident) -> None:
    page = client_of(ada).get(address(incident)).content.decode()

    assert page.count('hx-preserve="true" open>') == 1
    assert page.count("lm-step-next") == 1


def test_without_scripts_a_step_is_done_by_a_form_that_leads_back(ada: User, incident: Incident) -> None:
    answer = post(
        ada, incident, "mitigate", "done", outcome="Rolled back", next=f"/admin/alerts/incident/{incident.pk}/change/"
    )

    assert answer.status_code == 302
    assert answer.url == f"/admin/alerts/incident/{incident.pk}/change/"
    step = incident.steps.get(kind="mitigate")
    assert (step.state, step.settled_by, step.outcome) == ("done", ada, "Rolled back")
    assert LogEntry.objects.get(user=ada).change_message == "Mitigate: done."
    assert "Done by Ada after 17 min, 2 min late" in client_of(ada).get(address(incident)).content.decode()


def test_nobody_is_led_away(ada: User, incident: Incident) -> None:
    assert post(ada, incident, "mitigate", "done", next="https://evil.example/").url == address(incident)


def test_htmx_gets_the_list_alone(ada: User, incident: Incident) -> None:
    page = post(ada, incident, "mitigate", "skipped", htmx=True).content.decode()

    assert page.lstrip().startswith("<section")
    assert 'hx-trigger="every 15s"' in page
    assert "Not needed, said by Ada" in page


def test_who_comes_second_is_told_who_was_first(ada: User, incident: Incident) -> None:
    post(ada, incident, "mitigate", "done")
    bob = make_person("bob", "change_incident")

    plain, fragment = post(bob, incident, "mitigate", "done"), post(bob, incident, "mitigate", "done", htmx=True)

    assert plain.status_code == 409
    for answer in (plain, fragment):
        assert "Ada settled it before you: done." in answer.content.decode()
    assert not LogEntry.objects.filter(user=bob).exists()


def test_a_step_is_opened_again(ada: User, incident: Incident) -> None:
    post(ada, incident, "check", "reopen")
    assert incident.steps.get(kind="check").state == "open"


def test_another_runbook_can_be_followed(ada: User, incident: Incident) -> None:
    other = make_runbook("Checkout", 90)
    answer = client_of(ada).post(address(incident), {"act": "switch", "runbook": other.pk})
    assert answer.status_code == 302
    assert list(incident.steps.order_by("position").values_list("title", flat=True)) == ["Check severity", "Step 1"]


def test_one_without_a_runbook_says_what_to_do(ada: User) -> None:
    Runbook.objects.all().delete()
    incident = make_incident()
    assert "add one first" in client_of(ada).get(address(incident)).content.decode()
    make_runbook("Checkout", 90)
    assert "Follow a runbook" in client_of(ada).get(address(incident)).content.decode()


@pytest.mark.parametrize(
    "sent", [{}, {"act": "explode"}, {"step": "x", "act": "done"}, {"step": "9" * 30, "act": "done"}]
)
def test_nonsense_changes_nothing(ada: User, incident: Incident, sent: dict[str, str]) -> None:
    assert client_of(ada).post(address(incident), sent).status_code == 409
    assert incident.steps.filter(state="open").count() == 3


def test_a_step_of_another_incident_is_not_reached(ada: User, incident: Incident) -> None:
    other = make_incident()
    steps.begin(other, at=other.opened_at)
    sent = {"step": other.steps.first().pk, "act": "done"}
    assert client_of(ada).post(address(incident), sent).status_code == 409
    assert not other.steps.filter(state="done").exists()


def test_who_may_look_may_not_settle(eve: User, incident: Incident) -> None:
    page = client_of(eve).get(address(incident))
    assert page.status_code == 200
    assert f'action="{address(incident)}"' not in page.content.decode()
    assert post(eve, incident, "mitigate", "done").status_code == 403
    assert incident.steps.get(kind="mitigate").state == "open"


def test_others_see_nothing(incident: Incident) -> None:
    assert client_of(make_person("mallory")).get(address(incident)).status_code == 403


def test_what_is_over_ticks_no_more(ada: User, incident: Incident) -> None:
    Incident.objects.update(state="closed")
    page = client_of(ada).get(address(incident)).content.decode()
    assert "every 15s" not in page
    assert "Not done before the incident was over" in page
    assert "lm-step-form" not in page


def test_there_is_no_incident_of_that_number(ada: User) -> None:
    assert client_of(ada).get("/admin/alerts/incident/404/steps/").status_code == 404


def test_it_asks_few_questions(ada: User, incident: Incident, django_assert_num_queries: Any) -> None:
    client = client_of(ada)
    client.get(address(incident))
    # Session, person, permissions (two), the incident, its steps, other runbooks.
    with django_assert_num_queries(7):
        client.get(address(incident), headers={"HX-Request": "true"})
