"""Delivery, consistency and cache, as staff see them."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from events.rollups import compact
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

DELIVERY, CACHE = "/admin/analytics/delivery/", "/admin/analytics/cache/"


@pytest.fixture
def eve(db: None) -> User:
    return reader()


def send(sender: Sender, *documents: dict[str, Any]) -> None:
    assert sender.post(list(documents)).status_code == 200
    compact()


def follow(client: Client, page: str) -> list[tuple[int, int]]:
    """(number shown, rows behind its link) of every number in the tables."""
    found = []
    for link, number in re.findall(r'<td><a href="(/admin/events/event/[^"]+)">(\d+)</a></td>', page):
        rows: Any = client.get(link.replace("&amp;", "&"))
        found.append((int(number), rows.content.decode().count('/change/">')))
    return found


def test_the_numbers_of_deliveries_lead_to_their_events(sender: Sender, eve: User) -> None:
    send(
        sender,
        {"event": "formspree_failure", "level": "warn", "data": {"reason": "timeout"}},
        {"event": "formspree_failure", "level": "warn"},
        *(
            {"event": "data_consistency_error", "severity": "WARNING", "record": name}
            for name in ("profile", "profile", "plan")
        ),
    )
    client = client_of(eve)

    page = client.get(DELIVERY).content.decode()

    assert "Formspree failed 2 times: watch it. Records disagreed 3 times, most of profile." in page
    assert sorted(follow(client, page)) == [(1, 1), (1, 1), (1, 1), (2, 2), (2, 2)]
    assert "For a rate, tell of successes too" in page


@pytest.mark.parametrize("awkward", ["in two\nlines", "a\r\nb", "a\u2028b", "-a, b: 5%0A", "x" * 99 + " y", "first : "])
def test_whatever_a_label_holds_its_number_leads_to_its_events(sender: Sender, eve: User, awkward: str) -> None:
    send(
        sender,
        {"event": "data_consistency_error", "severity": "WARNING", "record": awkward},
        {"event": "data_consistency_error", "severity": "WARNING", "record": "plan"},
        {"event": "data_consistency_error", "severity": "WARNING", "record": "plan"},
        {"event": "cache_performance", "data": {"key": f"{awkward}:1", "hit": True, "ttl": 300}},
        {"event": "cache_performance", "data": {"key": "jobs:1", "hit": True, "ttl": 300}},
        {"event": "cache_performance", "data": {"key": "jobs:1", "hit": True, "ttl": 300}},
    )
    client = client_of(eve)

    for address in (DELIVERY, CACHE):
        numbers = follow(client, client.get(address).content.decode())
        assert sorted(set(numbers)) == [(1, 1), (2, 2)]


def test_the_numbers_of_lookups_lead_to_their_events(sender: Sender, eve: User) -> None:
    for key, hit in (("jobs:1", True), ("jobs:2", False), ("career:1", False)):
        send(sender, {"event": "cache_performance", "data": {"key": key, "hit": hit, "ttl": 300}})
    client = client_of(eve)

    page = client.get(CACHE).content.decode()

    assert "33 % of 3 lookups were hits (before: –). Missed most: jobs (1 miss) and career (1 miss)" in page
    assert sorted(follow(client, page)) == [(1, 1)] * 4 + [(2, 2)] * 2
    assert "5.0 min" in page


@pytest.mark.parametrize(
    ("address", "said"), [(DELIVERY, "No delivery was told of"), (CACHE, "No cache was asked in this window")]
)
def test_without_any_event_they_teach_what_to_send(eve: User, address: str, said: str) -> None:
    page = client_of(eve).get(address).content.decode()

    assert said in page
    assert '<code>{"event"' in page


@pytest.mark.parametrize("address", [DELIVERY, CACHE])
def test_they_need_the_right(db: None, address: str) -> None:
    assert client_of(make_person("max", "view_event", "view_issue")).get(address).status_code == 403


def test_texts_are_shown_and_not_run(sender: Sender, eve: User) -> None:
    send(
        sender,
        {"event": "formspree_failure", "level": "warn", "data": {"reason": "<script>1</script>"}},
        {"event": "data_consistency_error", "severity": "WARNING", "record": "<script>2</script>"},
        {
            "event": "cache_performance",
            "data": {"key": "<script>3</script>:1", "hit": True, "ttl": "<script>4</script>"},
        },
    )
    client = client_of(eve)

    for address in (DELIVERY, CACHE):
        page = client.get(address).content.decode()
        assert "&lt;script&gt;" in page
        assert not re.search(r"<script>\d", page)


@pytest.mark.parametrize("address", [DELIVERY, CACHE])
def test_they_ask_the_same_questions_however_much_there_is(
    sender: Sender, eve: User, address: str, django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]]
) -> None:
    for number in range(20):
        send(
            sender,
            {"event": "formspree_failure", "level": "warn", "data": {"reason": f"r {number}"}},
            {
                "event": "data_consistency_error",
                "severity": "WARNING",
                "record": f"r {number}",
                "release": f"lift@{number}",
            },
            {"event": "cache_performance", "data": {"key": f"k{number}:1", "hit": True, "ttl": 300}},
        )
    client = client_of(eve)

    with django_assert_max_num_queries(16):
        client.get(address)
