"""Top errors, as staff see them."""

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

from events.models import Issue
from events.rollups import compact
from tests.dashboards.pages.reading import behind, links, rows, shown
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

PAGE = "/admin/analytics/errors/"
TABLE = "The most frequent first"
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def eve(db: None) -> User:
    return reader()


def failure(name: str = "api_error", *, days: float = 0, **more: Any) -> dict[str, Any]:
    at = timezone.now() - timedelta(days=days, minutes=3)
    return {"event": name, "severity": "error", "message": "broke", "timestamp": at.isoformat(), **more}


def send(sender: Sender, *documents: dict[str, Any]) -> None:
    assert sender.post(list(documents)).status_code == 200
    compact()


def test_it_shows_the_guides_columns(sender: Sender, eve: User) -> None:
    send(
        sender,
        *(
            failure("api_timeout", user_id=user, duration_ms=ms)
            for user, ms in (("a", 9000), ("a", 11_000), ("b", None))
        ),
        failure("ai_failure", severity="warning"),
        failure("error_page_seen", severity="info"),
        failure("login", severity="info"),
    )

    page = shown(client_of(eve), PAGE)

    assert [row[:6] for row in rows(page, TABLE)] == [
        ["api_timeout", "Error", "3", "60 %", "2", "10 s"],
        ["ai_failure", "Warning", "1", "20 %", "0", "–"],
        ["error_page_seen", "Info", "1", "20 %", "0", "–"],
    ]
    assert "5 failures of 3 kinds affected 2 users. The most frequent is api_timeout: 3 times, 2 users." in page


def test_it_says_what_is_new_rising_and_falling(sender: Sender, eve: User) -> None:
    # At noon of those days, so to speak: a window of 24 hours and what it is compared with begin on the full hour.
    for days in (number + 0.5 for number in range(1, 9)):
        send(
            sender,
            *(failure("steady", days=days) for _ in range(3)),
            *(failure("growing", days=days) for _ in range(2)),
            *(failure("shrinking", days=days) for _ in range(30)),
        )
    send(
        sender,
        *(failure("steady") for _ in range(3)),
        *(failure("growing") for _ in range(20)),
        failure("shrinking"),
        failure("brand_new"),
    )

    page = shown(client_of(eve), PAGE)

    assert {row[0]: row[6] for row in rows(page, TABLE)} == {
        "steady": "usually 3",
        "growing": "rising usually 2",
        "shrinking": "falling usually 30",
        "brand_new": "new none before",
    }
    assert "New: brand_new. Rising: growing." in page
    assert "the same hours of the 7 days before" in page
    assert "is not known yet" not in page


def test_a_young_service_is_told_to_be_one(sender: Sender, eve: User) -> None:
    send(sender, failure())

    page = shown(client_of(eve), PAGE)

    assert rows(page, TABLE)[0][6] == "–"
    assert "that takes data of the service from the same hours of 3 earlier days" in page
    assert "from 3 earlier windows as long as this one" in shown(client_of(eve), f"{PAGE}?window=7d")
    assert "1 failure of 1 kind affected 0 users. The most frequent is api_error: 1 time." in page


def test_every_number_leads_to_its_rows(sender: Sender, eve: User) -> None:
    send(
        sender,
        *(failure("api_error", user_id=f"u-{number}", message=f"cause {'ab'[number % 2]}") for number in range(4)),
        failure("api_error", severity="critical"),
        failure("ai_failure", severity="warning"),
    )
    client = client_of(eve)

    found = links(shown(client, PAGE), TABLE)

    events = {link: int(text) for link, text in found.items() if "/events/event/" in link and text.isdecimal()}
    assert sorted(events.values()) == [1, 1, 4]
    assert all(behind(client, link) == number for link, number in events.items())
    (users,) = (link for link in found if "/analytics/users/" in link)
    assert found[users] == "4"
    assert "4 of 4 active users met at least one failure named api_error of severity error" in shown(client, users)
    for link, text in found.items():
        if "/events/issue/" in link:
            page: Any = client.get(link)
            assert len(page.context["cl"].result_list) == int(text)


@pytest.mark.parametrize("window", ["1h", "7d"])
def test_issues_are_those_of_the_name_the_window_and_the_service(
    make_sender: Callable[[str], Sender], eve: User, window: str
) -> None:
    api, web = make_sender("lift api"), make_sender("lift web")
    for sender in (api, web):
        send(sender, failure(), failure("other"))
    Issue.objects.filter(name="api_error", service=web.service).update(last_seen_at=timezone.now() - timedelta(hours=2))
    client = client_of(eve)

    for query, expected in (("", {"1h": 1, "7d": 2}), (f"&service={web.service.pk}", {"1h": 0, "7d": 1})):
        page = shown(client, f"{PAGE}?window={window}{query}")

        told = {row[0].split(" ")[0]: row[-1] for row in rows(page, TABLE)}
        assert told["api_error"] == str(expected[window])
        for link, text in links(page, TABLE).items():
            if "/events/issue/" in link:
                listed: Any = client.get(link)
                assert len(listed.context["cl"].result_list) == int(text)


def test_the_guides_own_condition_looks_at_names_alone(sender: Sender, eve: User) -> None:
    send(sender, failure("api_error"), failure("db_down"), failure("error_page_seen", severity="info"))
    client = client_of(eve)

    page = shown(client, PAGE)
    (link,) = (unescape(link) for link in re.findall(r'href="([^"]*contains=error[^"]*)"', page))
    narrowed = shown(client, link)

    assert [row[0] for row in rows(narrowed, TABLE)] == ["api_error", "error_page_seen"]
    assert "2 events with “error” in their name of 2 kinds" in narrowed
    kept = [unescape(link) for link in re.findall(r'href="(\?[^"]*window=7d[^"]*)"', narrowed)]
    assert kept
    assert all("contains=error" in link for link in kept)
    assert (
        "contains=error" in json.loads(re.findall(r'id="lm-top-errors" type[^>]*>(.*?)</script>', narrowed)[0])["zoom"]
    )


def test_the_chart_tells_the_five_most_frequent_from_the_others(sender: Sender, eve: User) -> None:
    send(sender, *(failure(f"kind_{number}") for number in range(7) for _ in range(9 - number)))

    chart = json.loads(re.findall(r'id="lm-top-errors" type[^>]*>(.*?)</script>', shown(client_of(eve), PAGE))[0])

    assert {one["label"]: sum(one["data"]) for one in chart["datasets"]} == {
        **{f"kind_{number} (error)": 9 - number for number in range(5)},
        "Others": 4 + 3,
    }
    assert len({one["tone"] for one in chart["datasets"]}) == 6


def test_hostile_names_are_only_text(sender: Sender, eve: User) -> None:
    send(sender, failure(HOSTILE))

    for address in (PAGE, f"{PAGE}?contains={HOSTILE}"):
        page = shown(client_of(eve), address)
        assert HOSTILE not in page
        assert "&lt;script&gt;" in page


def test_it_can_be_taken_along_as_csv_and_json(sender: Sender, eve: User) -> None:
    send(sender, failure("=cmd()"), failure("api_error", user_id="u"))
    client = client_of(eve)

    table: Any = client.get(f"{PAGE}?format=csv")
    document: Any = client.get(f"{PAGE}?format=json")

    found = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert {(row["name"], row["event_count"], row["affected_users"]) for row in found} == {
        ("'=cmd()", "1", "0"),
        ("api_error", "1", "1"),
    }
    assert {row["trend.kind"] for row in found} == {"unknown"}
    assert json.loads(document.content)["event_count"] == 2


def test_without_failures_it_says_so(sender: Sender, eve: User) -> None:
    send(sender, failure("login", severity="info"))

    assert "Nothing failed in this window" in shown(client_of(eve), PAGE)


def test_without_any_event_it_teaches_what_to_send(eve: User) -> None:
    page = shown(client_of(eve), PAGE)

    assert "No event was heard of yet" in page
    assert "user_id" in page


def test_it_needs_the_right(db: None) -> None:
    assert Client().get(PAGE).status_code == 302
    assert client_of(make_person("max", "view_event", "view_issue")).get(PAGE).status_code == 403


def test_issues_are_shown_to_those_who_may_see_them(sender: Sender) -> None:
    send(sender, failure())

    page = shown(client_of(make_person("ada", "view_analytics")), PAGE)

    assert len(rows(page, TABLE)[0]) == 8


@pytest.mark.parametrize("kinds", [1, 40])
def test_it_asks_the_same_questions_however_much_there_is(
    sender: Sender,
    eve: User,
    kinds: int,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]],
) -> None:
    send(sender, *(failure(f"kind_{number}") for number in range(kinds)))
    client = client_of(eve)

    with django_assert_max_num_queries(18) as captured:
        shown(client, f"{PAGE}?service={sender.service.pk}")

    assert not any('FROM "events_event"' in query["sql"] for query in captured.captured_queries)
