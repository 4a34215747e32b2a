"""Failure rate by endpoint and the page of one endpoint, as staff see them."""

import csv
import io
import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from events.rollups import compact
from tests.dashboards.pages.reading import rows
from tests.events.admin.people import client_of, make_person, reader
from tests.events.conftest import Sender

PAGE = "/admin/analytics/endpoints/"
ONE = "/admin/analytics/endpoint/"


@pytest.fixture
def eve(db: None) -> User:
    return reader()


def request(endpoint: str = "/api/jobs", *, status: int = 200, **more: Any) -> dict[str, Any]:
    return {"event": "api_response_time", "endpoint": endpoint, "status": status, "response_time_ms": 120, **more}


def failure(endpoint: str = "/api/jobs", **more: Any) -> dict[str, Any]:
    return {"event": "api_error", "severity": "error", "message": "broke", "endpoint": endpoint, **more}


def send(sender: Sender, *documents: dict[str, Any]) -> None:
    assert sender.post(list(documents)).status_code == 200
    compact()


def rows_behind(client: Client, link: str) -> int:
    """How many events the list at that address shows."""
    page: Any = client.get(unescape(link))
    assert page.status_code == 200
    return page.content.decode().count('/change/">') if "result_list" in page.content.decode() else 0


def test_the_headline_names_the_worst(sender: Sender, eve: User) -> None:
    send(sender, *(request() for _ in range(8)), failure(user_id="u-1"), failure(user_id="u-2"), request("/api/fine"))

    page = client_of(eve).get(PAGE).content.decode()

    assert "Requests failed at 1 of 2 endpoints. The worst is /api/jobs: 2 of 8 requests failed, 2 users hurt." in page


def test_more_failures_than_requests_are_no_rate(sender: Sender, eve: User) -> None:
    hurting = [failure("/api/webhook", user_id=f"u-{number}", release="lift@2") for number in range(9)]
    measured = [request(status=500, release="lift@1") for _ in range(9)]
    silent = [failure("/api/batch") for _ in range(9)]
    few = [request("/api/few"), *(failure("/api/few") for _ in range(2))]
    send(sender, *hurting, *measured, *silent, *few, *(request("/api/mild") for _ in range(9)), failure("/api/mild"))
    client = client_of(eve)

    html = client.get(PAGE).content.decode()
    one = client.get(f"{ONE}?endpoint=/api/webhook").content.decode()

    table = {row[0].split()[0]: (row[1], row[3], row[4]) for row in rows(html, "Endpoints, worst first")}
    # All requests failed where they are measured; then what hurts users; unmeasured ones that hurt nobody behind what is known.
    assert list(table) == ["/api/jobs", "/api/webhook", "/api/mild", "/api/batch", "/api/few"]
    assert table["/api/webhook"] == ("no requests measured", "9", "0")
    assert table["/api/few"] == ("more than the 1 request measured", "2", "1")
    assert "100 %" not in " ".join(table["/api/webhook"])
    assert rows(one, "By release")[0][1:4] == ["no requests measured", "9", "0"]
    only = client.get(f"{PAGE}?release=lift@2").content.decode()
    assert "The worst is /api/webhook: 9 failures, no requests measured, 9 users hurt." in only


@pytest.mark.parametrize(
    "documents",
    [
        [request(), request(), failure(), failure()],
        [request(status=500), request(status=503), request(), failure()],
    ],
)
def test_the_number_of_failures_leads_to_those_events(
    sender: Sender, eve: User, documents: list[dict[str, Any]]
) -> None:
    send(sender, *documents)
    client = client_of(eve)

    page = client.get(PAGE).content.decode()

    link, number = re.findall(r'<td><a href="([^"]*/admin/events/event/[^"]+)">(\d+)</a></td>', page)[0]
    assert (int(number), rows_behind(client, link)) == (2, 2)


def test_the_heat_map_leads_to_the_events_of_its_cell(sender: Sender, eve: User) -> None:
    earlier = (timezone.now() - timedelta(hours=5)).isoformat()
    before = (timezone.now() - timedelta(hours=9)).isoformat()
    send(sender, failure(), failure(timestamp=earlier), failure(timestamp=earlier))
    # Told by their answers alone, and by more answers than events.
    send(sender, *(request("/api/gone", status=502, timestamp=earlier) for _ in range(3)))
    send(sender, *(request(status=500, timestamp=before) for _ in range(4)), failure(timestamp=before))
    client = client_of(eve)

    page = client.get(PAGE).content.decode()

    cells = re.findall(r'<td class="lm-heat-\d"[^>]*><a href="([^"]+)"[^>]*>(\d+)</a></td>', page)
    assert sorted(int(number) for _, number in cells) == [1, 2, 3, 4]
    for link, number in cells:
        assert rows_behind(client, link) == int(number)


def test_an_endpoint_leads_to_its_page(sender: Sender, eve: User) -> None:
    send(sender, request("/api/a b&<i>"), failure("/api/a b&<i>", release="lift@2"))
    client = client_of(eve)

    page = client.get(PAGE).content.decode()
    (link,) = set(re.findall(r'href="(/admin/analytics/endpoint/[^"]+)"', page))
    one = client.get(unescape(link)).content.decode()

    assert "<i>" not in page
    assert "/api/a b&amp;&lt;i&gt;" in one
    assert "lift@2" in one
    assert "api_error" in one


def test_a_part_of_a_chart_is_looked_at_on_the_page_of_the_same_endpoint(sender: Sender, eve: User) -> None:
    send(sender, request(), failure())
    client = client_of(eve)

    page = client.get(f"{ONE}?endpoint=/api/jobs").content.decode()

    (chart,) = re.findall(r'id="lm-endpoint-requests" type[^>]*>(.*?)</script>', page)
    drawn = json.loads(chart)
    part = f"{drawn['zoom']}&from={drawn['edges'][-2]}&to={drawn['edges'][-1]}"
    assert client.get(f"{ONE}{part}").status_code == 200


def test_an_endpoint_that_nobody_knows_says_so(eve: User) -> None:
    page = client_of(eve).get(f"{ONE}?endpoint=/nowhere").content.decode()

    assert "This endpoint was not heard of in this window" in page


def test_an_endpoint_must_be_named(eve: User) -> None:
    assert client_of(eve).get(ONE).status_code == 404


def test_without_any_event_it_teaches_what_to_send(eve: User) -> None:
    page = client_of(eve).get(PAGE).content.decode()

    assert "No endpoint was heard of in this window" in page
    assert "response_time_ms" in page


def test_a_narrowed_page_that_is_empty_leads_back(sender: Sender, eve: User) -> None:
    send(sender, request())

    page = client_of(eve).get(f"{PAGE}?environment=nowhere").content.decode()

    assert "Only environment nowhere was looked through." in page
    assert "Clear the filters" in page
    assert "look at a longer window" in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("window=9h", "A window is 1h, 24h, 7d, 30d or custom"),
        ("window=custom&from=garbage", "is a time such as"),
        ("window=custom&from=2026-03-02T00:00Z&to=2026-03-01T00:00Z", "ends before it starts"),
        ("service=x", "is the number of a service"),
        (f"environment={'x' * 201}", "has at most 200 characters"),
    ],
)
def test_what_cannot_be_read_of_the_address_is_told(eve: User, query: str, said: str) -> None:
    page: Any = client_of(eve).get(f"{PAGE}?{query}")

    assert page.status_code == 200
    assert said in unescape(page.content.decode())


def test_what_was_entered_stays_where_it_can_be_mended(eve: User) -> None:
    page = client_of(eve).get(f"{PAGE}?window=custom&from=2026-03-02T08:30&to=2026-03-01T09:15").content.decode()

    assert "The window ends before it starts. This is the last 24 hours instead." in page
    assert 'name="from" value="2026-03-02T08:30"' in page
    assert 'name="to" value="2026-03-01T09:15"' in page
    assert '<details class="lm-custom" open>' in page
    assert "Filters: none" in page


def test_the_window_and_the_filters_stay_in_every_link(sender: Sender, eve: User) -> None:
    send(sender, failure(environment="production", release="lift@2"))

    page = client_of(eve).get(f"{PAGE}?window=7d&environment=production&release=lift@2").content.decode()

    links = [unescape(link) for link in re.findall(r'href="([^"]*\?[^"]*)"', page) if "status" not in link]
    narrowed = [link for link in links if "format=" in link or "/admin/analytics/" in link or "/events/event/" in link]
    assert len(narrowed) >= 5
    assert all("environment=production" in link and "release=lift%402" in link for link in narrowed)


def test_it_can_be_taken_along_as_csv_and_json(sender: Sender, eve: User) -> None:
    send(sender, request(), failure("=cmd()"), failure())
    client = client_of(eve)

    table: Any = client.get(f"{PAGE}?format=csv")
    document: Any = client.get(f"{PAGE}?format=json")

    rows = list(csv.DictReader(io.StringIO(table.content.decode())))
    assert table["Content-Disposition"].startswith('attachment; filename="failure-rates-24h-')
    assert {row["endpoint"]: row["failures"] for row in rows} == {"'=cmd()": "1", "/api/jobs": "1"}
    assert {row["service"] for row in rows} == {"lift api"}
    assert rows[0]["rate.low"]
    answer = json.loads(document.content)
    assert {one["endpoint"] for one in answer["endpoints"]} == {"=cmd()", "/api/jobs"}


def test_times_are_the_readers(sender: Sender, eve: User) -> None:
    send(sender, failure())
    client = client_of(eve)
    client.cookies["lm_tz"] = "Asia/Kathmandu"

    page = client.get(f"{PAGE}?window=1h").content.decode()

    earlier = timezone.now() - timedelta(minutes=30)
    assert re.search(rf'"{earlier.astimezone(ZoneInfo("Asia/Kathmandu")):%H}:\d\d"', page)
    assert not re.search(rf'"{earlier:%H}:\d\d"', page)


@pytest.mark.parametrize("address", [PAGE, f"{ONE}?endpoint=/api/jobs"])
def test_it_needs_the_right(db: None, address: str) -> None:
    assert client_of(make_person("max", "view_event", "view_issue")).get(address).status_code == 403
    assert client_of(make_person("ada", "view_analytics")).get(address).status_code == 200


@pytest.mark.parametrize("address", [PAGE, f"{ONE}?endpoint=/api/jobs/1"])
@pytest.mark.parametrize("endpoints", [2, 40])
def test_it_asks_the_same_questions_however_much_there_is(
    sender: Sender,
    eve: User,
    address: str,
    endpoints: int,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[Any]],
) -> None:
    send(sender, *(failure(f"/api/jobs/{number}") for number in range(endpoints)))
    client = client_of(eve)

    with django_assert_max_num_queries(16) as captured:
        client.get(address)

    assert not any('FROM "events_event"' in query["sql"] for query in captured.captured_queries)
