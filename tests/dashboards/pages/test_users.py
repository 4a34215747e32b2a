"""User impact and the timeline of one user, as staff see them."""

import csv
import io
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from events import patience
from events.ingest.configured_scrubber import scrubber
from events.rollups import compact
from tests.dashboards.pages.reading import behind, links, rows, shown
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

PAGE = "/admin/analytics/users/"
ONE = "/admin/analytics/user/"
ENDPOINTS = "/admin/analytics/endpoints/"
ENDPOINT = "/admin/analytics/endpoint/"
MOST = "Users with the most failures"
HOSTILE = "<script>alert(1)</script>"
CHECKOUT = "/api/subscription/checkout"


@pytest.fixture
def eve(db: None) -> User:
    return reader()


def event(name: str, *, hours: float = 0, **more: Any) -> dict[str, Any]:
    at = timezone.now() - timedelta(hours=hours, minutes=3)
    return {"event": name, "timestamp": at.isoformat(), **more}


def failure(name: str = "api_error", **more: Any) -> dict[str, Any]:
    return event(name, **{"severity": "error", "message": "broke", **more})


def answered(endpoint: str = CHECKOUT, **more: Any) -> dict[str, Any]:
    return event("api_response_time", **{"endpoint": endpoint, "status": 200, "response_time_ms": 90, **more})


def send(sender: Sender, *documents: dict[str, Any]) -> None:
    assert sender.post(list(documents)).status_code == 200
    compact()


def hashed(user: str) -> str:
    return scrubber().hash_user(user)


@pytest.fixture
def traffic(sender: Sender) -> Sender:
    """Four active users, of whom two met failures."""
    send(
        sender,
        failure("ai_failure", severity="warning", feature="career", user_id="ann"),
        failure("ai_failure", severity="warning", feature="career", user_id="ann"),
        failure("stripe_checkout_error", severity="critical", endpoint=CHECKOUT, user_id="ann"),
        failure("stripe_checkout_error", severity="critical", endpoint=CHECKOUT, user_id="bob"),
        failure("session_stabilization_failure", severity="warning"),
        event("feature_used", feature="career", user_id="cy"),
        answered(user_id="dan"),
        failure("api_error", user_id="cy", hours=30),
    )
    return sender


def test_it_says_how_many_users_were_hurt(traffic: Sender, eve: User) -> None:
    page = shown(client_of(eve), PAGE)

    assert "2 of 4 active users met at least one failure, 1 in the window before." in page
    assert "Worst hurt are users of career: 1 of 2." in page
    assert rows(page, "By severity") == [
        ["Critical", "2", "0", "2"],
        ["Error", "0", "1", "0"],
        ["Warning", "1", "0", "3"],
    ]
    assert [row[:3] for row in rows(page, "By feature")] == [["career", "1", "2"]]
    assert [row[:6] for row in rows(page, MOST)] == [
        [hashed("ann")[:12], "3", "1", "0", "2", "ai_failure and 1 more"],
        [hashed("bob")[:12], "1", "1", "0", "0", "stripe_checkout_error"],
    ]


def test_every_number_leads_to_its_rows(traffic: Sender, eve: User) -> None:
    client = client_of(eve)
    page = shown(client, PAGE)

    for region in ("By severity", "By feature", MOST):
        found = {link: int(text) for link, text in links(page, region).items() if text.isdecimal() and len(text) < 4}
        assert found
        for link, number in found.items():
            if "/events/event/" in link:
                assert behind(client, link) == number
            elif "/analytics/users/" in link:
                assert len(rows(shown(client, link), MOST)) == number
    tiles = {
        " ".join(re.sub(r"<[^>]+>", " ", inside).split()): unescape(link)
        for link, inside in re.findall(r'<a class="lm-card lm-tile" href="([^"]+)">(.*?)</a>', page, re.DOTALL)
    }
    told = {text: behind(client, link) for text, link in tiles.items()}
    assert [(text.split(" also")[0], count) for text, count in told.items() if text.startswith("Failures")] == [
        ("Failures 5", 5)
    ]
    assert [count for text, count in told.items() if text.startswith("Sessions not stabilised 1")] == [1]


def test_the_users_an_endpoint_hurt_are_a_click_away(traffic: Sender, eve: User) -> None:
    send(traffic, *(answered(status=502, user_id=user) for user in ("bob", "eli")))
    client = client_of(eve)

    for address in (ENDPOINTS, f"{ENDPOINT}?endpoint={CHECKOUT}"):
        page = shown(client, address)
        told = {
            unescape(link): int(number)
            for link, number in re.findall(r'<a href="([^"]*/analytics/users/[^"]*)">(\d+)</a>', page)
        }
        assert told
        for link, number in told.items():
            users = shown(client, link)
            assert len(rows(users, MOST)) == number
            assert f"{number} of" in users
    narrowed = shown(client, f"{PAGE}?endpoint={CHECKOUT}")
    assert f"3 of 4 active users met at least one failure at {CHECKOUT}" in narrowed
    assert {row[0] for row in rows(narrowed, MOST)} == {hashed(user)[:12] for user in ("ann", "bob", "eli")}
    assert "Sessions not stabilised" not in narrowed
    found = {link: text for link, text in links(narrowed, "By severity").items() if "/events/event/" in link}
    assert sorted(found.values()) == ["2", "2"]
    assert all(behind(client, link) == 2 for link in found)


def test_what_is_asked_about_stays_in_every_link(traffic: Sender, eve: User) -> None:
    page = shown(client_of(eve), f"{PAGE}?endpoint={CHECKOUT}&name=stripe_checkout_error&window=7d")

    own = [unescape(link) for link in re.findall(r'href="(\?[^"]*)"', page)]
    assert len(own) >= 6
    assert all("endpoint=" in link and "name=" in link for link in own)
    assert "endpoint=" in json.loads(re.findall(r'id="lm-users-hurt" type[^>]*>(.*?)</script>', page)[0])["zoom"]
    assert f'<input type="hidden" name="endpoint" value="{CHECKOUT}">' in page


def test_nobody_hurt_is_said_in_words(sender: Sender, eve: User) -> None:
    send(sender, event("login", user_id="ann"))
    client = client_of(eve)

    assert "None of 1 active user met a failure." in shown(client, PAGE)
    assert "Nobody met such a failure in this window" in shown(client, f"{PAGE}?endpoint=/nowhere")


def test_failures_without_users_teach_to_send_them(sender: Sender, eve: User) -> None:
    send(sender, failure())

    page = shown(client_of(eve), PAGE)

    assert "1 failure, and none of them names a user." in page
    assert "No failure of this window names a user" in page
    assert "user_id" in page


def test_without_any_event_it_teaches_what_to_send(eve: User) -> None:
    page = shown(client_of(eve), PAGE)

    assert "No user was heard of in this window" in page
    assert "user_id" in page


@pytest.mark.parametrize("word", ["endpoint", "name", "severity", "feature"])
def test_hostile_texts_are_only_text(sender: Sender, eve: User, word: str) -> None:
    send(sender, failure(HOSTILE, endpoint=HOSTILE, feature=HOSTILE, user_id="ann"))

    for address in (PAGE, f"{PAGE}?{word}={HOSTILE}"):
        page = shown(client_of(eve), address)
        assert HOSTILE not in page
        assert "1 of 1 active user" in page


def test_it_can_be_taken_along_as_csv_and_json(traffic: Sender, eve: User) -> None:
    client = client_of(eve)

    table: Any = client.get(f"{PAGE}?format=csv&endpoint={CHECKOUT}")
    document: Any = client.get(f"{PAGE}?format=json")

    found = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert {(row["user"], row["failures"], row["most_often"]) for row in found} == {
        (hashed(user), "1", "stripe_checkout_error") for user in ("ann", "bob")
    }
    assert json.loads(document.content)["hurt"]["count"] == 2


def test_long_lists_end_in_a_hint(sender: Sender, eve: User) -> None:
    send(sender, *(failure(user_id=f"u-{number}") for number in range(53)))

    page = shown(client_of(eve), PAGE)

    assert len(rows(page, MOST)) == 25
    assert "And 28 more; the 53 with the most failures are in the" in page


# --- One user ----------------------------------------------------------------------------------------------------


def lines(page: str) -> list[str]:
    """What happened, line by line, without the time."""
    return [
        " ".join(unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<time.*?</time>", "", line))).split())
        for line in re.findall(r"<li[^>]*>(.*?)</li>", page.split('class="lm-met"', 1)[1], re.DOTALL)
        if "<time" in line
    ]


def test_a_users_timeline_tells_what_they_met_and_used(sender: Sender, eve: User) -> None:
    one = {"user_id": "ann", "session_id": "s-1", "release": "lift@1"}
    send(
        sender,
        event("feature_used", hours=3, feature="career", **one),
        answered("/api/career", hours=2.9, **one),
        answered("/api/profile", hours=2.8, **one),
        failure("ai_failure", hours=2.7, severity="warning", feature="career", ai_provider="openai", **one),
        *(failure("api_error", hours=2.6, endpoint="/api/career", message=f"boom {HOSTILE}", **one) for _ in range(2)),
        answered("/api/career", hours=2.5, status=503, **one),
        failure("api_error", user_id="bob"),
        event("login", user_id="ann", hours=0.1),
    )
    client = client_of(eve)

    (link,) = (link for link, text in links(shown(client, PAGE), MOST).items() if text == hashed("ann")[:12])
    page = shown(client, link)

    assert "8 events in 1 session, known since" in page
    assert "3 failures: api_error (2) and ai_failure (1)." in page
    assert lines(page) == [
        "login",
        "api_response_time 5xx /api/career 90 ms",
        f"Error api_error ×2 /api/career boom {HOSTILE} Issue",
        "Warning ai_failure career openai broke Issue",
        "api_response_time ×2 /api/profile , /api/career",
        "feature_used career",
    ]
    assert HOSTILE not in page
    assert "career</a> 2 <span" in page.replace("\n", "")
    assert f"manage.py forgetuser --hash {hashed('ann')}" in page


def test_a_users_numbers_lead_to_their_events(sender: Sender, eve: User) -> None:
    send(
        sender,
        *(failure(user_id="ann") for _ in range(3)),
        event("feature_used", feature="career", user_id="ann"),
        failure(user_id="bob"),
    )
    client = client_of(eve)

    page = shown(client, f"{ONE}?user={hashed('ann')}")

    told = re.findall(r'<a href="([^"]*/events/event/\?[^"]+)">([\w,]+)</a>(?: (\d+))?', page)
    counts = {unescape(link): int(text if text.isdecimal() else number) for link, text, number in told}
    assert sorted(counts.values()) == [1, 3, 3, 4]
    assert all(behind(client, link) == count for link, count in counts.items())


def test_a_long_timeline_has_pages(sender: Sender, eve: User) -> None:
    names = [f"step_{number}" for number in range(105)]
    for number, name in enumerate(names):
        at = timezone.now() - timedelta(minutes=300 - number)
        sender.store({"event": name, "user_id": "ann", "timestamp": at.isoformat()})
    client = client_of(eve)

    first = shown(client, f"{ONE}?user={hashed('ann')}")
    (older,) = (unescape(link) for link in re.findall(r'rel="next" href="([^"]+)"', first))
    second = shown(client, older)

    assert lines(first) + lines(second) == names[::-1]
    assert "105 events" in second
    assert "before=" not in "".join(re.findall(r'href="(\?[^"]*)"', second))
    assert 'rel="next"' not in second
    table: Any = client.get(f"{ONE}?user={hashed('ann')}&format=csv")
    assert len(list(csv.DictReader(io.StringIO(table.content.decode())))) == 105


def test_days_and_times_are_the_readers(sender: Sender, eve: User) -> None:
    at = timezone.now().replace(hour=0, minute=30, second=7, microsecond=0) - timedelta(days=2)
    send(sender, event("login", user_id="ann") | {"timestamp": at.isoformat()})
    client = client_of(eve)
    client.cookies["lm_tz"] = "America/New_York"

    page = shown(client, f"{ONE}?user={hashed('ann')}&window=7d")

    local = at - timedelta(hours=5)
    assert re.search(rf"<h2>\w+, {local.day} \w+ {local.year}</h2>", page)
    assert re.search(rf">({local:%H}|{at - timedelta(hours=4):%H}):30:07</time>", page)


def test_a_user_of_whom_nothing_was_heard_says_so(eve: User) -> None:
    assert "This user was not heard of in this window" in shown(client_of(eve), f"{ONE}?user={'0' * 32}")


def test_a_page_beyond_the_last_one_leads_back(sender: Sender, eve: User) -> None:
    send(sender, event("login", user_id="ann"))

    page = shown(client_of(eve), f"{ONE}?user={hashed('ann')}&before=00000000-0000-0000-0000-000000000000")

    assert "Nothing older in this window" in page


@pytest.mark.parametrize("query", ["", "?user=ann", "?user=" + "g" * 32, "?user=" + "0" * 31, "?user=" + "A" * 32])
def test_a_user_is_named_by_a_hash(eve: User, query: str) -> None:
    assert client_of(eve).get(f"{ONE}{query}").status_code == 404


@pytest.mark.parametrize("ending", ["", "&format=json"])
def test_a_search_that_takes_too_long_is_given_up(
    sender: Sender, eve: User, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(sender, event("login", user_id="ann"))
    monkeypatch.setattr(patience, "PATIENCE", timedelta(milliseconds=1))
    monkeypatch.setattr("events.user_events._SUMS", "SELECT pg_sleep(9), %(user_hash)s")

    page = shown(client_of(eve), f"{ONE}?user={hashed('ann')}{ending}")

    assert "This search takes too long" in page


def test_who_may_see_what(traffic: Sender) -> None:
    user = f"{ONE}?user={hashed('ann')}"
    both, events, analytics = (
        client_of(make_person(name, *rights))
        for name, rights in (
            ("ada", ("view_analytics", "view_event")),
            ("max", ("view_event", "view_issue")),
            ("lou", ("view_analytics",)),
        )
    )

    assert Client().get(PAGE).status_code == Client().get(user).status_code == 302
    assert [client.get(PAGE).status_code for client in (both, events, analytics)] == [200, 403, 200]
    assert [client.get(user).status_code for client in (both, events, analytics)] == [200, 403, 403]
    assert ONE in shown(both, PAGE)
    assert ONE not in shown(analytics, PAGE)


def test_events_and_issues_lead_to_the_timeline(traffic: Sender, eve: User) -> None:
    client = client_of(eve)
    events: Any = client.get(f"/admin/events/event/?user={hashed('bob')}")
    (one,) = events.context_data["page"].events

    for address in (f"/admin/events/event/{one.id}/change/", f"/admin/events/issue/{one.issue_id}/change/"):
        page = shown(client, address)
        (link,) = {unescape(link) for link in re.findall(rf'href="({ONE}\?user={hashed("bob")}[^"]*)"', page)}
        assert "stripe_checkout_error" in shown(client, link)


@pytest.mark.parametrize("users", [2, 60])
def test_it_asks_the_same_questions_however_much_there_is(
    sender: Sender,
    eve: User,
    users: int,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]],
) -> None:
    send(sender, *(failure(user_id=f"u-{number}", feature=f"f-{number % 9}") for number in range(users)))
    client = client_of(eve)

    with django_assert_max_num_queries(14) as captured:
        shown(client, PAGE)
    assert not any('events_event"' in query["sql"] for query in captured.captured_queries)

    with django_assert_max_num_queries(17):
        shown(client, f"{ONE}?user={hashed('u-1')}")
