"""Slowest endpoints, as staff see them."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth.models import User

from events.rollups import compact
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

PAGE = "/admin/analytics/latency/"


@pytest.fixture
def eve(db: None) -> User:
    return reader()


def send(sender: Sender, *documents: dict[str, Any]) -> None:
    assert sender.post(list(documents)).status_code == 200
    compact()


def requests(count: int, endpoint: str = "/api/jobs", milliseconds: float = 250) -> list[dict[str, Any]]:
    return [{"event": "api_response_time", "endpoint": endpoint, "response_time_ms": milliseconds}] * count


def test_the_headline_says_what_is_known_and_no_more(sender: Sender, eve: User) -> None:
    send(sender, *requests(20))
    client = client_of(eve)

    few = client.get(PAGE).content.decode()
    send(sender, *requests(500))
    many = client.get(PAGE).content.decode()

    assert re.search(r"/api/jobs: half of its 20 requests take 2(4[789]|5[0123]) ms or longer", few)
    assert "too few" in few
    assert re.search(r"/api/jobs: one request in a hundred takes 2(4[789]|5[0123]) ms or longer", many)


def test_the_number_of_requests_leads_to_them(sender: Sender, eve: User) -> None:
    send(
        sender, *requests(12), {"event": "slow_endpoint", "level": "warn", "endpoint": "/api/jobs", "duration_ms": 1200}
    )
    client = client_of(eve)

    page = client.get(PAGE).content.decode()

    links = re.findall(r'<td><a href="(/admin/events/event/[^"]+)">(\d+)</a></td>', page)
    assert [int(number) for _, number in links] == [12, 1]
    for link, number in links:
        assert client.get(link.replace("&amp;", "&")).content.decode().count('/change/">') == int(number)


def test_names_are_shown_and_not_run(sender: Sender, eve: User) -> None:
    send(sender, *requests(12, "/<img src=x onerror=alert(1)>"))

    page = client_of(eve).get(PAGE).content.decode()

    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_without_any_event_it_teaches_what_to_send(eve: User) -> None:
    page = client_of(eve).get(PAGE).content.decode()

    assert "No endpoint had more than ten requests" in page
    assert "api_response_time" in page


def test_it_needs_the_right(db: None) -> None:
    assert client_of(make_person("max", "view_event", "view_issue")).get(PAGE).status_code == 403


def test_it_can_be_taken_along(sender: Sender, eve: User) -> None:
    send(sender, *requests(12))

    table = client_of(eve).get(f"{PAGE}?format=csv").content.decode()

    assert "latency.p95_ms" in table.split("\r\n")[0]
    assert "/api/jobs" in table


def test_it_asks_the_same_questions_however_much_there_is(
    sender: Sender, eve: User, django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]]
) -> None:
    for number in range(30):
        send(sender, *requests(12, f"/api/{number}x"))
    client = client_of(eve)

    with django_assert_max_num_queries(16):
        client.get(PAGE)
