"""The page of auth and abuse."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from events.ingest import guards
from events.rollups import compact
from tests.dashboards.pages.reading import behind, links, rows, shown
from tests.events.admin.people import client_of, make_person
from tests.events.conftest import Sender

PAGE = "/admin/analytics/security/"
Send = Callable[..., None]
ADDRESSES, ENDPOINTS = "Addresses, the most events first", "Endpoints of sign-in and sessions"


@pytest.fixture
def send(sender: Sender) -> Send:
    """As of five minutes ago, unless it is told when."""

    def store(*documents: dict[str, Any], at: datetime | None = None) -> None:
        at = at or timezone.now() - timedelta(minutes=5)
        sender.store(*({"timestamp": at.isoformat(), **document} for document in documents), at=at)
        compact()

    return store


def limited(address: str, name: str = "beta_register_rate_limited") -> dict[str, Any]:
    return {"event": name, "ip": address}


def lockout(address: str, email: str) -> dict[str, Any]:
    return {"event": "security_incident_lockout", "severity": "CRITICAL", "ip": address, "email": email}


def response(status: int, endpoint: str = "/api/auth/session") -> dict[str, Any]:
    return {"event": "api_response_time", "endpoint": endpoint, "status": status, "response_time_ms": 20}


def quiet_days(send: Send) -> datetime:
    """One limited request a day; answers when, today.

    Of nine days: the first that is known is no whole one, and in the first hour of a day the window begins on the one before.
    """
    at = timezone.now() - timedelta(minutes=5)
    for days in range(1, 10):
        send(limited("198.51.100.7"), at=at - timedelta(days=days))
    return at


def test_it_says_that_it_looks_like_an_attack_and_why(admin_client: Client, send: Send) -> None:
    quiet_days(send)
    send(*(limited(f"203.0.113.{number}") for number in range(30)))

    html = shown(admin_client, f"{PAGE}?window=1h")

    assert "Rate-limited requests look like an attack (30, usually 1)." in html
    assert "100 % of the rate-limited requests that name an address come from one network, 203.0.113.0/24" in html
    assert "Usually 1 at the same hours (the middle of the last 7 days)" in html
    assert "lm-verdict-bad" in html


def test_it_says_that_it_looks_like_a_spike(admin_client: Client, send: Send) -> None:
    quiet_days(send)
    send(*(limited(f"198.{number}.7.9") for number in range(30)))

    html = shown(admin_client, f"{PAGE}?window=1h")

    assert "Rate-limited requests look like a legitimate spike (30, usually 1)." in html
    assert "from 30 addresses in 30 networks, none of which stands out" in html


def test_it_tells_which_addresses_are_limited_and_whom_they_hit(admin_client: Client, send: Send) -> None:
    send(
        limited("203.0.113.7"), limited("203.0.113.7"), *(lockout("203.0.113.7", f"{n}@example.edu") for n in range(3))
    )
    send(limited("198.51.100.9"))

    html = shown(admin_client, PAGE)

    first, second = rows(html, ADDRESSES)
    assert re.fullmatch(r"203\.0\.113\.0/24 [0-9a-f]{8}", first[0])
    assert first[1:5] == ["5", "2", "3", "3"]
    assert second[1:5] == ["1", "1", "0", "0"]
    assert rows(html, "Networks") == [["203.0.113.0/24", "1", "5", "2", "3"], ["198.51.100.0/24", "1", "1", "1", "0"]]
    assert "203.0.113.7" not in html


def test_each_number_leads_to_its_events(admin_client: Client, send: Send) -> None:
    send(
        limited("203.0.113.7"), limited("203.0.113.7"), lockout("203.0.113.7", "a@example.edu"), limited("2001:db8::7")
    )
    send({"event": "session_stabilization_failure", "level": "warn", "attempts": 3, "reason": "session not available"})
    send(response(401), response(200), response(200), {"event": "auth_system_failure", "severity": "CRITICAL"})

    html = shown(admin_client, PAGE)

    seen = 0
    for region in (
        ADDRESSES,
        ENDPOINTS,
        "Sessions that did not become stable, by attempts",
        "Events that were counted",
    ):
        for address, text in links(html, region).items():
            assert behind(admin_client, address) == int(text), (region, address)
            seen += 1
    assert seen == 12
    for address, value in re.findall(r'lm-tile" href="([^"]+)">.*?lm-tile-value">(\d+)<', html, re.DOTALL):
        assert behind(admin_client, address.replace("&amp;", "&")) == int(value)


def test_it_leaves_a_number_without_link_when_no_filter_finds_its_events(admin_client: Client, send: Send) -> None:
    send(limited("203.0.113.7"), limited("203.0.113.7", "login_rate_limited"))

    html = shown(admin_client, PAGE)

    assert rows(html, ADDRESSES)[0][1:3] == ["2", "2"]
    assert list(links(html, ADDRESSES).values()) == ["2"], "of the total alone"
    assert 'href="#lm-names"' in html


def test_it_tells_whether_users_see_not_authenticated(admin_client: Client, send: Send) -> None:
    send(*({**response(200), "user_id": "u-2"} for _ in range(17)), *(response(401) for _ in range(3)), response(503))
    send({"event": "session_stabilization_failure", "level": "warn", "attempts": 5, "user_id": "u-1"})
    send({"event": "feature_used", "feature": "career", "user_id": "u-3"})

    html = shown(admin_client, PAGE)

    assert "3 of 21 requests for sign-in or a session were refused, 14 %." in html
    assert "1 session timed out or did not become stable, 4.8 % of the requests" in html
    assert "1 user met one of these, 50 % of those who signed in or had a session" in html
    assert [row[:3] for row in rows(html, ENDPOINTS)] == [["/api/auth/session", "21", "3"]]


def test_it_says_when_the_requests_are_not_known(admin_client: Client, send: Send) -> None:
    send({"event": "session_expired", "level": "info"})

    html = shown(admin_client, PAGE)

    assert "How often users are refused is not known" in html
    assert "Nobody was limited or locked out." in html


def test_it_says_when_addresses_were_folded_or_not_told(admin_client: Client, send: Send, settings: Any) -> None:
    settings.INGEST_CARDINALITY = {**settings.INGEST_CARDINALITY, "label": 2}
    guards.forget_memory()
    send(*(limited(f"203.0.113.{number}") for number in range(6)), {"event": "beta_register_rate_limited"})

    html = shown(admin_client, PAGE)

    assert "There were more addresses than are told apart." in html
    assert "4 events came from addresses beyond" in html
    assert "1 limited request or lockout named no address" in html
    other = next(row for row in rows(html, ADDRESSES) if row[0] == "other not told apart")
    assert other[1:3] == ["4", "4"]
    link = next(address for address in links(html, ADDRESSES) if "ip%3Aother" in address)
    assert behind(admin_client, link) == 4


def test_of_a_week_it_judges_the_busiest_hours_and_leads_there(admin_client: Client, send: Send) -> None:
    at = quiet_days(send)
    send(*(limited("203.0.113.7") for _ in range(25)), at=at - timedelta(days=3))

    html = shown(admin_client, f"{PAGE}?window=7d")

    (link,) = re.findall(r'Judged is the busiest step of the window, <a href="([^"]+)"', html)
    zoomed = shown(admin_client, link.replace("&amp;", "&"))
    assert re.search(
        r"Rate-limited requests look like an attack \(26 in the busiest \d+ hours, from \d+ \w+, \d\d:\d\d, usually 1\)\.",
        html,
    )
    assert rows(zoomed, ADDRESSES)[0][1] == "25"


def test_one_event_is_too_little_to_say(admin_client: Client, send: Send) -> None:
    send(lockout("203.0.113.7", "a@example.edu"))

    html = shown(admin_client, PAGE)

    assert "Lockouts say too little (1)." in html
    assert "Too little to say: 1 lockout." in html
    assert len(rows(html, ADDRESSES)) == 1


def test_it_teaches_what_to_send_when_there_is_nothing(admin_client: Client) -> None:
    html = shown(admin_client, PAGE)

    assert "Nobody was limited or locked out in this window" in html
    assert "beta_register_rate_limited" in html


@pytest.mark.parametrize("window", ["1h", "24h", "7d", "30d"])
def test_it_asks_few_queries_whatever_the_window(
    admin_client: Client, send: Send, django_assert_max_num_queries: Any, window: str
) -> None:
    send(*(limited(f"203.0.{number}.7") for number in range(40)), response(200), response(401, "/login"))
    send(*(lockout(f"203.0.{number}.7", f"{number}@example.edu") for number in range(40)))

    with django_assert_max_num_queries(25):
        shown(admin_client, f"{PAGE}?window={window}")


def test_long_lists_are_cut_and_lead_to_the_whole(admin_client: Client, send: Send) -> None:
    send(*(limited(f"203.0.{number}.7") for number in range(45)))

    html = shown(admin_client, PAGE)
    table = list(csv.DictReader(io.StringIO(admin_client.get(f"{PAGE}?format=csv").content.decode())))

    assert len(rows(html, ADDRESSES)) == 30
    assert "And 15 more" in html
    assert "And 35 more networks." in html
    assert len(table) == 45


def test_it_exports_addresses_and_everything(admin_client: Client, send: Send) -> None:
    send(limited("203.0.113.7"), lockout("203.0.113.7", "a@example.edu"))

    (row,) = csv.DictReader(io.StringIO(admin_client.get(f"{PAGE}?format=csv").content.decode()))
    everything = json.loads(admin_client.get(f"{PAGE}?format=json").content)

    assert (row["network"], row["events"], row["limited"], row["lockouts"]) == ("203.0.113.0/24", "2", "1", "1")
    assert everything["judgements"][0]["verdict"]["kind"] == "too little to say"
    assert everything["addresses"][0]["address"] == row["address"]


def test_hostile_names_stay_text(admin_client: Client, send: Send) -> None:
    evil = "<script>alert(1)</script>"
    send(limited(evil, f"{evil}_rate_limited"), response(401, f"/auth/{evil}"))
    send({"event": "session_stabilization_failure", "level": "warn", "attempts": evil})

    html = shown(admin_client, PAGE)

    assert evil not in html
    assert html.replace("<wbr>", "").count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3


@pytest.mark.django_db
def test_it_is_for_those_who_may_see_analytics() -> None:
    assert client_of(make_person("eve", "view_event")).get(PAGE).status_code == 403
    assert Client().get(PAGE).status_code == 302
