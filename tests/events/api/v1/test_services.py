"""`/api/v1/services`."""

from typing import Any

import pytest

from events.models import Service
from tests.events.api.v1.conftest import Caller, queries
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


def test_it_tells_of_each_service_what_the_admin_shows(make_sender: Any, reader: Caller) -> None:
    sender = make_sender("lift api")
    make_sender("silent")
    sender.post([{"event": "login"}, {"event": "login"}])
    Service.objects.filter(pk=sender.service.pk).update(owner=reader.person)

    talking, silent = reader.get("services").json()["results"]

    assert (talking["id"], talking["slug"], talking["name"], talking["owner"]) == (
        sender.service.pk,
        "lift-api",
        "lift api",
        "eve",
    )
    assert talking["event_count_24h"] == 2
    assert talking["last_event_at"].endswith("Z")
    assert talking["admin_url"].endswith(f"/admin/events/service/{sender.service.pk}/change/")
    assert (silent["owner"], silent["last_event_at"], silent["event_count_24h"]) == (None, None, 0)
    assert reader.get(f"services/{sender.service.pk}").json() == talking


def test_it_never_tells_a_key(sender: Sender, reader: Caller) -> None:
    told = reader.get(f"services/{sender.service.pk}").content.decode() + reader.get("services").content.decode()

    assert sender.keys.public not in told
    assert sender.keys.secret[:6] not in told


def test_a_service_is_found_by_its_slug(make_sender: Any, reader: Caller) -> None:
    make_sender("lift api")
    make_sender("lift web")

    assert [one["slug"] for one in reader.get("services", slug="lift-web").json()["results"]] == ["lift-web"]
    assert reader.get("services", slug="nothing").json()["results"] == []


def test_an_unknown_service_is_404(reader: Caller) -> None:
    response = reader.get("services/12345")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_they_are_read_page_by_page_and_back(make_sender: Any, reader: Caller) -> None:
    made = [make_sender(f"service {number}").service.pk for number in range(5)]

    first = reader.get("services", limit=2).json()
    second = reader.get(first["next"]).json()
    third = reader.get(second["next"]).json()

    assert [[one["id"] for one in page["results"]] for page in (first, second, third)] == [
        made[:2],
        made[2:4],
        made[4:],
    ]
    assert first["previous"] is None
    assert third["next"] is None
    assert reader.get(third["previous"]).json()["results"] == second["results"]
    assert reader.get(second["previous"]).json()["results"] == first["results"]


@pytest.mark.parametrize("count", [1, 50])
def test_a_page_costs_the_same_however_long_it_is(make_sender: Any, reader: Caller, count: int) -> None:
    for number in range(count):
        make_sender(f"service {number}")
    reader.get("services")

    with queries() as asked:
        assert len(reader.get("services").json()["results"]) == count

    assert len(asked) <= 5
