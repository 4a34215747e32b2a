"""The page of incident times: its numbers lead to the incidents behind them, and it says who may see it."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from alerts.incidents import handling
from tests.alerts.admin.people import make_person
from tests.alerts.incidents.making import make_incident
from tests.dashboards.pages.reading import links, rows, shown
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

PAGE = "/admin/analytics/incidents/"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def ada(db: None) -> User:
    return make_person("ada", "alerts.view_incident", "dashboards.view_analytics")


@pytest.fixture
def client(ada: User) -> Client:
    return client_of(ada)


@pytest.fixture
def filled(sender: Sender) -> Sender:
    """Four incidents of yesterday, of which two were acknowledged and one was resolved, and an old one."""
    at = timezone.now() - timedelta(days=1)
    slow, quick, waiting, several = (
        make_incident(f"Incident {number}", at=at, severity=severity, service=service, environment="production")
        for number, (severity, service) in enumerate(
            [(1, sender.service), (1, sender.service), (2, sender.service), (2, None)]
        )
    )
    assert waiting.is_ongoing
    assert several.is_ongoing
    handling.acknowledge(slow.pk, by=None, at=at + 30 * MINUTE)
    handling.acknowledge(quick.pk, by=None, at=at + 10 * MINUTE)
    handling.resolve(quick.pk, by=None, at=at + 60 * MINUTE)
    make_incident("Old", at=at - timedelta(days=100), severity=1)
    return sender


def behind(client: Client, address: str) -> int:
    answer: Any = client.get(address)
    return len(answer.context_data["cl"].result_list)


def test_it_tells_means_and_medians_and_how_many_got_that_far(client: Client, filled: Sender) -> None:
    html = shown(client, PAGE)

    assert rows(html, "Severity: times") == [
        ["SEV1", "2", "2", "20 min", "20 min", "1", "60 min", "60 min"],
        ["SEV2", "2", "0", "–", "–", "0", "–", "–"],
    ]
    assert "2 of 4 were acknowledged" in html
    assert "1 of 4 were resolved" in html
    assert html.count("not yet") == 2 + 3


@pytest.mark.parametrize("query", ["", "?window=7d", "?environment=production", "?service="])
@pytest.mark.parametrize("region", ["Severity: times", "Service: times"])
def test_every_number_leads_to_as_many_incidents(client: Client, filled: Sender, query: str, region: str) -> None:
    address = f"{PAGE}{query}{filled.service.pk if query.endswith('=') else ''}"

    found = links(shown(client, address), region)

    assert len(found) >= 3
    assert [behind(client, link) for link in found] == [int(number) for number in found.values()]


def test_each_incident_leads_to_its_page(client: Client, filled: Sender) -> None:
    found = links(shown(client, PAGE), "Incidents, opened last first")

    assert len(found) == 4
    for address in found:
        shown(client, address)


def test_it_comes_as_a_file(client: Client, filled: Sender) -> None:
    table = list(csv.DictReader(io.StringIO(client.get(f"{PAGE}?format=csv").content.decode())))
    answer = client.get(f"{PAGE}?format=json").json()

    assert {row["service"] for row in table} == {"lift api", ""}
    assert answer["total"]["incidents"] == len(table) == 4


def test_what_ended_by_itself_is_no_longer_waited_for(client: Client, sender: Sender) -> None:
    at = timezone.now() - timedelta(days=1)
    made = make_incident(at=at, service=sender.service)
    handling.resolve_by_rule(made.pk, at=at + 40 * MINUTE, how="It is over.")

    html = shown(client, PAGE)

    assert "None was acknowledged. All was resolved" in html


def test_an_empty_window_says_what_opens_incidents(client: Client, sender: Sender) -> None:
    assert "No incident was opened in this window" in shown(client, PAGE)


@pytest.mark.parametrize("right", ["alerts.view_incident", "dashboards.view_analytics"])
def test_who_may_do_one_alone_does_not_see_it(db: None, right: str) -> None:
    assert client_of(make_person("eve", right)).get(PAGE).status_code == 403
