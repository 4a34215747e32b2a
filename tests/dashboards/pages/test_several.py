"""Pages, lists and the API through several services and environments at once."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from dashboards.pages.links import events_link, issues_link
from dashboards.reports.failure_rates import failure_rates
from dashboards.reports.question import Question, filters_of
from dashboards.window import preset
from events.rollups import compact
from tests.dashboards.pages.reading import behind, shown
from tests.events.admin.people import client_of, make_person
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def senders(make_sender: Callable[[str], Sender]) -> list[Sender]:
    """Three services, each with an error in each of three environments."""
    found = [make_sender(name) for name in ("lift api", "lift web", "lift jobs")]
    for sender in found:
        for environment in ("production", "staging", "preview"):
            endpoint = f"/{sender.service.slug}/{environment}"
            sender.store({"event": "api_error", "level": "error", "endpoint": endpoint, "environment": environment})
    compact()
    return found


def eve() -> Any:
    return client_of(make_person("eve", "view_issue", "view_event", "view_analytics"))


def address_of(path: str, senders: list[Sender]) -> str:
    services = "&".join(f"service={one.service.pk}" for one in senders[:2])
    return f"{path}?window=24h&{services}&environment=production&environment=staging"


def test_a_page_shows_all_that_were_chosen_and_nothing_else(senders: list[Sender]) -> None:
    answer = eve().get(address_of("/admin/analytics/endpoints/", senders) + "&format=json").json()

    assert sorted(one["endpoint"] for one in answer["endpoints"]) == [
        "/lift-api/production",
        "/lift-api/staging",
        "/lift-web/production",
        "/lift-web/staging",
    ]


def values(html: str, element: str) -> list[str]:
    """Of the elements whose tag begins so, in order."""
    return re.findall(rf'<{element}[^>]* value="([^"]*)"', html)


def test_its_controls_show_and_keep_them(senders: list[Sender]) -> None:
    page = shown(eve(), address_of("/admin/analytics/endpoints/", senders))
    first, second, third = (str(one.service.pk) for one in senders)

    custom, filters = page.split('<form method="get" class="lm-filters">')[1:3]
    selects = re.findall(r'<select class="lm-input" name="service".*?</select>', filters, re.DOTALL)
    assert [re.findall(r'value="(\d+)" selected', one) for one in selects] == [[first], [second], []]
    assert f'value="{third}"' in selects[2]
    assert values(custom, 'input type="hidden" name="service"') == [first, second]
    assert values(custom, 'input type="hidden" name="environment"') == ["production", "staging"]
    assert "Filters: lift api or lift web, environment production or staging" in page
    for link in re.findall(r'<a class="lm-button" href="([^"]+)"', page.split("lm-windows")[1].split("</nav>")[0]):
        query = parse_qs(urlsplit(unescape(link)).query)
        assert (query["service"], query["environment"]) == ([first, second], ["production", "staging"])


def test_one_alone_is_asked_for_with_an_equality(senders: list[Sender], django_assert_num_queries: Any) -> None:
    def asked(**filters: Any) -> str:
        question = Question(preset("24h", timezone.now()), timezone.get_current_timezone(), filters_of(**filters))
        with django_assert_num_queries(2) as queries:
            failure_rates(question)
        return " ".join(query["sql"] for query in queries.captured_queries)

    alone = asked(services=[senders[0].service.pk], environments=["production"])
    several = asked(services=[one.service.pk for one in senders], environments=["production", "staging"])

    assert f"service_id = {senders[0].service.pk}" in alone
    assert "environment = 'production'" in alone
    assert "service_id = ANY(" in several
    assert "environment = ANY(" in several


def test_numbers_lead_to_the_rows_of_all_of_them(senders: list[Sender]) -> None:
    services = [one.service.pk for one in senders[:2]]
    question = Question(
        preset("24h", timezone.now()), timezone.get_current_timezone(), filters_of(services, ["production", "staging"])
    )
    client = eve()

    link = events_link(question, name="api_error")
    listed = shown(client, link)
    issues = shown(client, issues_link(question))

    assert behind(client, link) == 4
    assert values(listed, 'input class="lm-input" name="environment"') == ["production", "staging"]
    assert "lift jobs" not in listed.split("<tbody>")[1]
    assert "/lift-web/" in issues
    assert "/lift-jobs/" not in issues


def test_the_api_reads_repeated_parameters(senders: list[Sender]) -> None:
    client = eve()

    answer = client.get(
        "/api/v1/reports/failure-rates?service=lift-api&service=lift-jobs&environment=preview&environment=staging"
    ).json()
    refused = client.get("/api/v1/reports/failure-rates?service=lift-api&service=nobody")

    assert {one["endpoint"] for one in answer["endpoints"]} == {
        "/lift-api/preview", "/lift-api/staging", "/lift-jobs/preview", "/lift-jobs/staging",
    }  # fmt: skip
    assert refused.status_code == 400
