"""Feature adoption and trial conversion, as staff see them."""

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

FEATURES, TRIALS = "/admin/analytics/features/", "/admin/analytics/trials/"


@pytest.fixture
def eve(db: None) -> User:
    return reader()


def send(sender: Sender, *documents: dict[str, Any]) -> None:
    assert sender.post(list(documents)).status_code == 200
    compact()


def use(feature: str, user: str) -> dict[str, Any]:
    return {"event": "feature_used", "data": {"feature": feature, "user_id": user, "duration_seconds": 60}}


def trial(kind: str, user: str, *, converted: bool) -> dict[str, Any]:
    return {"event": "trial_conversion", "data": {"trial_type": kind, "converted": converted, "user_id": user}}


def follow(client: Client, page: str) -> list[tuple[int, int]]:
    """(number shown, rows behind its link) of every number in the tables that leads to events."""
    found = []
    for link, number in re.findall(r'<a href="(/admin/events/event/[^"]+)">(\d+)</a>', page):
        rows: Any = client.get(link.replace("&amp;", "&"))
        found.append((int(number), rows.content.decode().count('/change/">')))
    return found


@pytest.mark.parametrize("filters", ["environment=nowhere", "release=lift%40none"])
def test_filters_that_nothing_comes_through_say_so_instead_of_naming_every_feature(
    sender: Sender, eve: User, filters: str
) -> None:
    send(sender, use("career", "u-1"), use("flashcards", "u-2"))

    page = client_of(eve).get(f"{FEATURES}?{filters}").content.decode()

    assert "No feature was used in this window with these filters" in page
    assert "career" not in page
    assert "Clear the filters" in page


def test_a_feature_that_nobody_used_where_others_are_active_is_named(sender: Sender, eve: User) -> None:
    send(sender, use("career", "u-1"), {"event": "page_view", "user_id": "u-1", "environment": "staging"})

    page = client_of(eve).get(f"{FEATURES}?environment=staging").content.decode()

    assert "Features with 0 users" in page
    assert "career" in page


def test_the_numbers_of_uses_lead_to_their_events(sender: Sender, eve: User) -> None:
    send(sender, use("career", "u-1"), use("career", "u-2"), use("flashcards", "u-1"), {"event": "feature_used"})
    send(sender, {"event": "ai_failure", "level": "warn", "data": {"feature": "career", "user_id": "u-1"}})
    client = client_of(eve)

    page = client.get(FEATURES).content.decode()

    found = follow(client, page)
    assert len(found) >= 4
    assert all(shown == rows for shown, rows in found)


def test_the_numbers_of_trials_lead_to_their_events(sender: Sender, eve: User) -> None:
    send(sender, trial("7_day", "u-1", converted=True), trial("7_day", "u-2", converted=False))
    send(sender, trial("14_day", "u-3", converted=False))
    client = client_of(eve)

    page = client.get(TRIALS).content.decode()

    found = follow(client, page)
    assert len(found) >= 4
    assert all(shown == rows for shown, rows in found)
    assert "1 of 3 trials that ended converted: 33 %." in page


@pytest.mark.parametrize("address", [FEATURES, TRIALS])
def test_without_any_event_they_teach_what_to_send(eve: User, address: str) -> None:
    page = client_of(eve).get(address).content.decode()

    assert '<code>{"event"' in page


@pytest.mark.parametrize("address", [FEATURES, TRIALS])
def test_they_need_the_right(db: None, address: str) -> None:
    assert client_of(make_person("max", "view_event", "view_issue")).get(address).status_code == 403


def test_texts_are_shown_and_not_run(sender: Sender, eve: User) -> None:
    send(sender, use("<script>1</script>", "u-1"), trial("<script>2</script>", "u-1", converted=True))
    client = client_of(eve)

    for address in (FEATURES, TRIALS):
        page = client.get(address).content.decode()
        assert "&lt;script&gt;" in page
        assert not re.search(r"<script>\d", page)


@pytest.mark.parametrize("address", [FEATURES, TRIALS])
def test_they_ask_the_same_questions_however_much_there_is(
    sender: Sender, eve: User, address: str, django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]]
) -> None:
    for number in range(20):
        send(sender, use(f"f {number}", f"u-{number}"), trial(f"t {number}", f"u-{number}", converted=number % 2 == 0))
    client = client_of(eve)

    with django_assert_max_num_queries(25):
        client.get(address)
