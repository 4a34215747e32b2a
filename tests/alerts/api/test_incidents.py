"""Reading incidents, and what people do about them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from alerts.models import Incident
from events.models import TokenScope
from tests.alerts.api.conftest import EVERY_RIGHT, fields_at_fault
from tests.alerts.incidents.making import fire_grave, make_incident, said
from tests.events.api.v1.conftest import Caller, queries
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def incident(now: datetime, sender: Sender) -> Incident:
    fire_grave({"service": str(sender.service.pk), "name": "db_pool_error"}, at=now)
    return Incident.objects.get()


class TestReading:
    def test_an_incident_comes_with_everything_that_is_known(
        self, incident: Incident, reader: Caller, sender: Sender
    ) -> None:
        [row] = reader.get("incidents", state="triggered", service=sender.service.slug, severity=2).json()["results"]
        found = reader.get(f"incidents/{row['id']}").json()

        assert (found["title"], found["state"], found["service"]) == ("db_pool_error", "triggered", sender.service.slug)
        assert [one["bond"] for one in found["alerts"]] == ["opener"]
        assert found["moves"] == ["acknowledge", "mitigate", "resolve"]
        assert [one["kind"] for one in found["steps"]] == ["check", "mitigate", "investigate", "notify"]
        assert found["timeline"][-1]["kind"] in ("opened", "alert", "step")
        assert found["admin_url"].endswith(f"/admin/alerts/incident/{incident.pk}/change/")

    def test_the_list_is_narrowed_and_paged(self, now: datetime, reader: Caller) -> None:
        made = [make_incident(f"Incident {number}", at=now).pk for number in range(3)]

        first = reader.get("incidents", limit=2).json()

        assert [row["id"] for row in first["results"]] == made[:0:-1]
        assert reader.get(first["next"]).json()["results"][0]["id"] == made[0]
        assert reader.get("incidents", state="closed").json()["results"] == []

    @pytest.mark.parametrize(("name", "value"), [("state", "burning"), ("severity", "5"), ("service", "nobody")])
    def test_it_says_what_is_wrong_with_a_filter(self, reader: Caller, name: str, value: str) -> None:
        assert fields_at_fault(reader.get("incidents", **{name: value})) == [name]

    def test_a_page_costs_the_same_however_many_it_lists(self, now: datetime, reader: Caller) -> None:
        make_incident(at=now)
        reader.get("incidents")
        with queries() as few:
            reader.get("incidents")
        for _ in range(9):
            make_incident(at=now)
        with queries() as many:
            reader.get("incidents")

        assert len(many) == len(few) <= 5, many


class TestActing:
    def test_it_moves_once_and_who_is_second_is_told(self, incident: Incident, operator: Caller) -> None:
        answer = operator.post(f"incidents/{incident.pk}/acknowledge", {"how": "I am on it."})

        assert answer.status_code == 200, answer.content
        assert (answer.json()["state"], answer.json()["moves"]) == ("acknowledged", ["mitigate", "resolve"])
        second = operator.post(f"incidents/{incident.pk}/acknowledge", {})
        assert second.status_code == 409
        assert "already" in second.json()["detail"]
        assert said(incident, "state") == ["Acknowledged. I am on it."]

    def test_it_goes_all_the_way(self, incident: Incident, operator: Caller) -> None:
        for verb in ("mitigate", "resolve", "close", "reopen"):
            assert operator.post(f"incidents/{incident.pk}/{verb}", {}).status_code == 200

        incident.refresh_from_db()
        assert incident.state == "acknowledged"

    def test_a_move_needs_no_body(self, incident: Incident, operator: Caller) -> None:
        answer = operator.post(f"incidents/{incident.pk}/acknowledge")

        assert answer.status_code == 200, answer.content

    def test_somebody_opens_one(self, operator: Caller, sender: Sender) -> None:
        answer = operator.post("incidents", {"title": "Checkout fails", "severity": 1, "service": sender.service.slug})

        assert answer.status_code == 201, answer.content
        assert Incident.objects.get().service == sender.service

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"severity": 1}, "title"),
            ({"title": "x", "severity": 9}, "severity"),
            ({"title": "x", "severity": 1, "a": 1}, "a"),
        ],
    )
    def test_it_refuses_one_that_says_too_little(self, operator: Caller, body: dict[str, Any], field: str) -> None:
        assert fields_at_fault(operator.post("incidents", body)) == [field]

    def test_a_note_and_a_severity_are_told(self, incident: Incident, operator: Caller) -> None:
        assert operator.post(f"incidents/{incident.pk}/note", {"text": "It is us."}).status_code == 200
        answer = operator.post(f"incidents/{incident.pk}/severity", {"severity": 1})

        assert answer.json()["severity"] == 1
        assert said(incident, "note") == ["It is us."]

    def test_whoever_may_only_look_changes_nothing(
        self, incident: Incident, reader: Caller, make_caller: Callable[..., Caller]
    ) -> None:
        ingest = make_caller(*EVERY_RIGHT, scope=TokenScope.READ, name="joe")

        for caller in (reader, ingest):
            assert caller.post(f"incidents/{incident.pk}/acknowledge", {}).status_code == 403
            assert caller.post("incidents", {"title": "x", "severity": 1}).status_code == 403
        assert Incident.objects.get().state == "triggered"

    def test_there_is_none_of_that_number(self, operator: Caller) -> None:
        assert operator.get("incidents/4711").status_code == 404
        assert operator.post("incidents/4711/resolve", {}).status_code == 404
