from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone

from alerts.incidents import follow_ups
from alerts.models import Incident
from tests.alerts.runbooks.making import make_incident
from tests.events.admin.people import client_of, make_person

pytestmark = pytest.mark.django_db
LIST = "/admin/alerts/followup/"


@pytest.fixture
def ada(db: None) -> User:
    return make_person("ada", "view_incident", "change_incident")


@pytest.fixture
def incident() -> Incident:
    return make_incident()


def address(incident: Incident) -> str:
    return f"/admin/alerts/incident/{incident.pk}/follow-ups/"


def add(incident: Incident, text: str, *, days: int | None = None, owner: User | None = None) -> Any:
    due_on = timezone.localdate() + timedelta(days=days) if days is not None else None
    return follow_ups.add(incident.pk, text=text, by=None, at=timezone.now(), owner=owner, due_on=due_on)


def test_one_is_added_and_led_back(ada: User, incident: Incident) -> None:
    sent = {"text": "Set a timeout", "owner": ada.pk, "due_on": "2026-12-05", "act": "add", "next": "/admin/"}
    answer = client_of(ada).post(address(incident), sent)

    assert (answer.status_code, answer.url) == (302, "/admin/")
    made = incident.follow_ups.get()
    assert (made.text, made.owner, str(made.due_on)) == ("Set a timeout", ada, "2026-12-05")
    assert LogEntry.objects.get().change_message == "To do: Set a timeout"


def test_what_is_wrong_is_said_and_nothing_is_lost(ada: User, incident: Incident) -> None:
    answer = client_of(ada).post(address(incident), {"text": "Set a timeout", "due_on": "soon", "act": "add"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert 'value="Set a timeout"' in page
    assert "Enter a valid date" in page


def test_it_is_done_handed_on_and_opened_again(ada: User, incident: Incident) -> None:
    one, client = add(incident, "Mend it"), client_of(ada)
    sent = {"act": "hand", "follow_up": one.pk, "owner": ada.pk, "due_on": ""}
    page = client.post(address(incident), sent, headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith("<section")
    client.post(address(incident), {"act": "done", "follow_up": one.pk})
    one.refresh_from_db()
    assert (one.owner, one.done_by) == (ada, ada)
    assert client.post(address(incident), {"act": "done", "follow_up": one.pk}).status_code == 409
    client.post(address(incident), {"act": "reopen", "follow_up": one.pk})
    one.refresh_from_db()
    assert one.done_at is None


def test_that_of_another_incident_is_not_reached(ada: User, incident: Incident) -> None:
    one = add(make_incident(), "Mend it")
    assert client_of(ada).post(address(incident), {"act": "done", "follow_up": one.pk}).status_code == 409


def test_who_may_look_may_not_add(incident: Incident) -> None:
    eve = client_of(make_person("eve", "view_incident"))
    page = eve.get(address(incident))
    assert page.status_code == 200
    assert "Add a follow-up" not in page.content.decode()
    assert eve.post(address(incident), {"text": "x", "act": "add"}).status_code == 403
    assert client_of(make_person("mallory")).get(address(incident)).status_code == 403


def test_the_list_shows_what_is_open_overdue_first(ada: User, incident: Incident) -> None:
    add(incident, "Later", days=3)
    add(incident, "Long ago", days=-3)
    done = add(incident, "Finished")
    follow_ups.done(done.pk, by=ada, at=timezone.now())
    page = client_of(ada).get(LIST).content.decode()
    assert page.index("Long ago") < page.index("Later")
    assert "overdue" in page
    assert "Finished" not in page
    assert "Finished" in client_of(ada).get(f"{LIST}?state=done").content.decode()


def test_the_list_can_be_of_ones_own(ada: User, incident: Incident) -> None:
    add(incident, "Adas own", owner=ada)
    add(incident, "Of nobody")
    mine, nobodys = (client_of(ada).get(f"{LIST}?owner={who}").content.decode() for who in ("me", "nobody"))
    assert "Adas own" in mine
    assert "Of nobody" not in mine
    assert "Of nobody" in nobodys


def test_several_are_done_at_once(ada: User, incident: Incident) -> None:
    chosen = [add(incident, "One").pk, add(incident, "Two").pk]
    client_of(ada).post(LIST, {"action": "mark_done", "_selected_action": chosen})
    assert incident.follow_ups.filter(done_by=ada).count() == 2
    assert LogEntry.objects.count() == 2


def test_a_row_leads_to_those_of_its_incident(ada: User, incident: Incident) -> None:
    one = add(incident, "One")
    assert client_of(ada).get(f"{LIST}{one.pk}/change/").url == address(incident)
    assert client_of(ada).get(f"{LIST}404/change/").status_code == 404


def test_an_empty_list_says_what_to_do_next(ada: User) -> None:
    assert "Nothing is to be done" in client_of(ada).get(LIST).content.decode()


def test_it_asks_few_questions(ada: User, incident: Incident, django_assert_max_num_queries: Any) -> None:
    for number in range(10):
        add(incident, f"One {number}", owner=ada)
    client = client_of(ada)
    with django_assert_max_num_queries(8):
        client.get(address(incident), headers={"HX-Request": "true"})
    with django_assert_max_num_queries(8):
        client.get(LIST)
