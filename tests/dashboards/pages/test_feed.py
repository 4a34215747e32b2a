"""The live feed: what arrives, from when on, and who may see it."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django.utils.http import urlencode

from events.models import Event
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

FEED = "/admin/analytics/feed/"
ARRIVALS = "/admin/analytics/feed/arrivals/"


@pytest.fixture
def eve(db: None) -> User:
    return reader()


def failure(name: str = "api_timeout", **more: Any) -> dict[str, Any]:
    return {"event": name, "severity": "error", "message": f"{name} broke", **more}


def arrived(client: Client, since: datetime, **query: str) -> list[str]:
    """The names of the rows that the fragment gives."""
    answer: Any = client.get(f"{ARRIVALS}?{urlencode({'since': since.isoformat(), **query})}")
    assert answer.status_code == 200
    return re.findall(r"data-lm-panel>([^<]+)</a>", answer.content.decode())


def test_it_begins_with_the_newest_failures(sender: Sender, eve: User) -> None:
    now = timezone.now()
    sender.store(failure("first", timestamp=(now - timedelta(hours=2)).isoformat()), failure("second"))
    sender.store({"event": "login", "severity": "info"})

    page = client_of(eve).get(FEED).content.decode()

    assert re.findall(r"data-lm-panel>([^<]+)</a>", page) == ["second", "first"]


def test_what_arrives_is_told_whenever_it_occurred(sender: Sender, eve: User) -> None:
    client = client_of(eve)
    late = (timezone.now() - timedelta(hours=3)).isoformat()
    sender.store(failure("late", timestamp=late), {"event": "login", "severity": "info"})

    assert arrived(client, timezone.now()) == ["late"]


def test_it_tells_the_time_to_ask_with_next(sender: Sender, eve: User) -> None:
    before = timezone.now()

    answer: Any = client_of(eve).get(f"{ARRIVALS}?{urlencode({'since': before.isoformat()})}")

    (since,) = re.findall(r'data-lm-since="([^"]+)"', answer.content.decode())
    assert datetime.fromisoformat(since) >= before


@pytest.mark.parametrize(("minutes", "was_away"), [(9, False), (11, True)])
def test_a_reader_who_was_away_for_long_is_told(sender: Sender, eve: User, minutes: int, was_away: bool) -> None:
    sender.store(failure())
    since = timezone.now() - timedelta(minutes=minutes)

    rows = client_of(eve).get(f"{ARRIVALS}?{urlencode({'since': since.isoformat()})}").content.decode()

    assert ("data-lm-away" in rows) is was_away
    assert "api_timeout" in rows


@pytest.mark.parametrize(("events", "is_cut"), [(50, False), (51, True)])
def test_more_than_fifty_at_once_are_not_dropped_in_silence(
    sender: Sender, eve: User, events: int, is_cut: bool
) -> None:
    sender.store(*(failure(message=f"no {number}") for number in range(events)))

    query = urlencode({"since": timezone.now().isoformat(), "severity": "errors"})
    rows = client_of(eve).get(f"{ARRIVALS}?{query}").content.decode()

    assert rows.count("data-lm-panel") == 50
    assert ("More than 50 arrived at once" in rows) is is_cut
    assert ('<a href="/admin/events/event/?severity=errors">' in rows) is is_cut


def test_what_arrived_long_before_is_left_out(sender: Sender, eve: User) -> None:
    sender.store(failure())

    assert arrived(client_of(eve), timezone.now() + timedelta(seconds=16)) == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, {"api_timeout", "slow_endpoint"}),
        ({"severity": "errors"}, {"api_timeout"}),
        ({"severity": "any"}, {"api_timeout", "slow_endpoint", "login"}),
        ({"severity": "info"}, {"login"}),
        ({"environment": "staging"}, {"slow_endpoint"}),
        ({"name": "api_timeout"}, {"api_timeout"}),
        ({"service": "999999"}, set()),
    ],
)
def test_filters_hold_for_the_page_and_for_what_arrives(
    sender: Sender, eve: User, query: dict[str, str], names: set[str]
) -> None:
    sender.store(
        failure(),
        {"event": "slow_endpoint", "severity": "warning", "environment": "staging"},
        {"event": "login", "severity": "info"},
    )
    client = client_of(eve)

    page = client.get(f"{FEED}?{urlencode(query)}").content.decode()

    assert set(re.findall(r"data-lm-panel>([^<]+)</a>", page)) == names
    assert set(arrived(client, timezone.now(), **query)) == names
    (address,) = re.findall(r'data-lm-arrivals="([^"]+)"', page)
    address = f"{address.replace('&amp;', '&')}&{urlencode({'since': timezone.now().isoformat()})}"
    assert set(re.findall(r"data-lm-panel>([^<]+)</a>", client.get(address).content.decode())) == names


@pytest.mark.parametrize("since", ["", "yesterday", "2026-03-04T12:00:00"])
def test_a_time_that_is_none_is_not_found(eve: User, since: str) -> None:
    assert client_of(eve).get(f"{ARRIVALS}?{urlencode({'since': since})}").status_code == 404


def test_the_panel_tells_of_one_event(sender: Sender, eve: User) -> None:
    sender.store(failure(endpoint="/api/jobs", message="<script>alert(1)</script>"))

    panel = client_of(eve).get(f"/admin/analytics/feed/{Event.objects.get().id}/").content.decode()

    assert "&lt;script&gt;" in panel
    assert "<script>" not in panel
    assert "/admin/analytics/endpoint/?endpoint=%2Fapi%2Fjobs" in panel
    assert "Part of issue" in panel


def test_the_panel_leads_to_what_else_the_user_met(sender: Sender, eve: User) -> None:
    sender.store(failure(user_id="u-1"), failure(user_id="u-1"), failure(user_id="u-2"))
    event = Event.objects.exclude(user_hash="").order_by("stored_at", "id").first()
    assert event is not None
    client = client_of(eve)

    panel = client.get(f"/admin/analytics/feed/{event.id}/").content.decode()

    listed, timeline = re.findall(rf'href="([^"]+user={event.user_hash}[^"]*)"', panel)
    page: Any = client.get(unescape(listed))
    assert {one.user_hash for one in page.context_data["page"].events} == {event.user_hash}
    assert client.get(unescape(timeline)).status_code == 200


def test_a_name_that_turns_the_direction_of_writing_turns_no_other_word(sender: Sender, eve: User) -> None:
    sender.store(failure("\u202eturned"))

    panel = client_of(eve).get(f"/admin/analytics/feed/{Event.objects.get().id}/").content.decode()

    assert re.search(r"<h2>.*<bdi>\u202eturned</bdi></h2>", panel, re.DOTALL)


def test_the_panel_of_no_event_is_not_found(eve: User) -> None:
    assert client_of(eve).get("/admin/analytics/feed/019aa000-0000-7000-8000-000000000000/").status_code == 404


@pytest.mark.parametrize("right", ["view_event", "view_analytics", "view_issue"])
def test_it_needs_both_rights(db: None, right: str) -> None:
    client = client_of(make_person("max", right))

    assert client.get(FEED).status_code == 403
    assert client.get(f"{ARRIVALS}?{urlencode({'since': timezone.now().isoformat()})}").status_code == 403


def test_without_any_event_it_says_what_to_do(eve: User) -> None:
    assert "No event has arrived yet" in client_of(eve).get(FEED).content.decode()


@pytest.mark.parametrize("events", [1, 60])
def test_it_asks_the_same_questions_however_much_there_is(
    sender: Sender,
    eve: User,
    events: int,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]],
) -> None:
    sender.store(*(failure(message=f"no {number}") for number in range(events)))
    client = client_of(eve)

    with django_assert_max_num_queries(12):
        client.get(FEED)
    with django_assert_max_num_queries(6):
        rows = arrived(client, timezone.now())

    assert len(rows) == min(events, 50)
