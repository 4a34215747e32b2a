"""The page of AI generation."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dashboards.pages.ai import headline
from dashboards.reports.ai_failures import ai_failures
from dashboards.reports.question import Question
from dashboards.window import preset
from events.rollups import compact
from tests.dashboards.pages.reading import behind, links, rows, shown
from tests.events.admin.people import client_of, make_person
from tests.events.conftest import Sender

PAGE = "/admin/analytics/ai/"
Send = Callable[..., None]


@pytest.fixture
def send(sender: Sender) -> Send:
    """As of five minutes ago."""

    def store(*documents: dict[str, Any]) -> None:
        at = timezone.now() - timedelta(minutes=5)
        sender.store(*({"timestamp": at.isoformat(), **document} for document in documents))
        compact()

    return store


def call(provider: str = "openai", feature: str = "career", **data: Any) -> dict[str, Any]:
    return {
        "event": "api_response_time",
        "endpoint": f"/api/{feature}",
        "response_time_ms": 800,
        "status": 200,
        "feature": feature,
        "ai_provider": provider,
        **data,
    }


def failure(provider: str = "openai", feature: str = "career", **data: Any) -> dict[str, Any]:
    said = {"reason": "timeout", "fallback_used": True, **data}
    return {"event": "ai_failure", "level": "warn", "feature": feature, "ai_provider": provider, **said}


def timeout(**data: Any) -> dict[str, Any]:
    return {"event": "api_timeout", "level": "error", "endpoint": "/api/career", **data}


def test_it_compares_providers_and_counts_timeouts_per_feature(admin_client: Client, send: Send) -> None:
    send(*(call() for _ in range(6)), call(response_time_ms=12_000), failure(), failure(reason="rate limit exceeded"))
    send(*(call("gemini", "notes") for _ in range(3)), failure("gemini", "notes", fallback_used=False, user_id="u-1"))

    html = shown(admin_client, PAGE)

    assert [row[:4] + row[5:] for row in rows(html, "Timeouts per feature")] == [
        ["career", "1", "none before", "7", "2", "0"],
        ["notes", "1", "none before", "3", "1", "1"],
    ]
    compared = {row[0]: row for row in rows(html, "Providers compared")}
    assert compared["openai"][1:3] == ["2", "7"]
    assert compared["openai"][3].startswith("29 %")
    assert compared["openai"][5].startswith("86 %")
    assert compared["openai"][6] == "100 % of 2"
    assert compared["gemini"][6] == "0 % of 1"
    assert compared["openai"][8:] == ["804 ms", "too few", "too few"]
    assert "2 timeouts in 2 AI features" in html
    assert "No provider can be said to fail most" in html


def test_each_number_leads_to_its_events(admin_client: Client, send: Send) -> None:
    send(*(call() for _ in range(5)), *(failure() for _ in range(3)), failure(reason="rate limit exceeded"))
    send(call("gemini"), failure("gemini", reason="Request timed out"), timeout(feature="career", ai_provider="gemini"))
    send(*(timeout(feature="notes", ai_provider="openai") for _ in range(2)))

    html = shown(admin_client, PAGE)

    seen = 0
    for region in (
        "Timeouts per feature",
        "Providers compared",
        "Reasons by provider",
        "Failures by feature and provider",
    ):
        for address, text in links(html, region).items():
            assert behind(admin_client, address) == int(text.split(" ")[0]), (region, address)
            seen += 1
    assert seen >= 15


def test_a_wait_that_is_told_by_the_endpoint_alone_says_so(admin_client: Client, send: Send) -> None:
    send(call(), failure(reason="rate limit exceeded"), timeout(feature="career"), timeout(feature="career"))

    html = shown(admin_client, PAGE)

    (career,) = rows(html, "Timeouts per feature")
    assert career[1] == "2"
    assert career[5] == "3 ai_failure 1 api_timeout 2"
    assert "no provider named" in html


def test_without_calls_it_says_that_only_failures_are_known(admin_client: Client, send: Send) -> None:
    send(failure())

    html = shown(admin_client, PAGE)

    assert "Only failures are known." in html
    assert "not known" in rows(html, "Providers compared")[0][2]
    assert "nobody can say which fails most often" in html


def test_it_teaches_what_to_send_when_there_is_nothing(admin_client: Client) -> None:
    html = shown(admin_client, PAGE)

    assert "No AI call or failure was heard of in this window" in html
    assert "ai_failure" in html


@pytest.mark.parametrize("window", ["1h", "24h", "7d", "30d"])
def test_it_asks_few_queries_whatever_the_window(
    admin_client: Client, send: Send, django_assert_max_num_queries: Any, window: str
) -> None:
    send(
        *(call(f"p{number}", f"f{number}") for number in range(20)),
        *(failure(f"p{number}", f"f{number}") for number in range(20)),
    )

    with django_assert_max_num_queries(18):
        shown(admin_client, f"{PAGE}?window={window}")


def test_hostile_names_stay_text(admin_client: Client, send: Send) -> None:
    evil = "<script>alert(1)</script>"
    send(call(evil, evil), failure(evil, evil, reason=evil), failure(evil, "career"), call())

    html = shown(admin_client, PAGE)

    assert evil not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_it_exports_providers_as_csv_and_everything_as_json(admin_client: Client, send: Send) -> None:
    send(call(), failure(), failure("=cmd()", reason="timeout"))

    table = list(csv.DictReader(io.StringIO(admin_client.get(f"{PAGE}?format=csv").content.decode())))
    everything = json.loads(admin_client.get(f"{PAGE}?format=json").content)

    assert {row["provider"]: row["rates.failures"] for row in table} == {"openai": "1", "'=cmd()": "1"}
    assert everything["providers"][0]["rates"]["calls"] == 1
    assert everything["sla_ms"] == 10_000
    assert {one["feature"] for one in everything["features"]} == {"career"}


@pytest.mark.django_db
def test_it_is_for_those_who_may_see_analytics() -> None:
    assert client_of(make_person("eve", "view_event")).get(PAGE).status_code == 403
    assert Client().get(PAGE).status_code == 302


def test_many_providers_share_the_chart(admin_client: Client, send: Send) -> None:
    send(*(failure(f"provider-{number}") for number in range(8)))

    html = shown(admin_client, PAGE)

    (chart,) = re.findall(r'<script id="lm-ai-failures" type="application/json">(.*?)</script>', html)
    datasets = json.loads(chart)["datasets"]
    assert [dataset["label"] for dataset in datasets][-1] == "3 others"
    assert sum(sum(dataset["data"]) for dataset in datasets) == 8


def test_the_headline_names_the_worst_feature_and_provider(send: Send) -> None:
    send(*(call() for _ in range(200)), *(failure() for _ in range(50)))
    send(*(call("gemini", "notes") for _ in range(200)), *(failure("gemini", "notes") for _ in range(4)))

    said = headline(
        ai_failures(Question(preset("1h", timezone.now()), timezone.get_current_timezone())),
    )

    assert said == (
        "54 timeouts in 2 AI features, the most in career (50, 25 % of its calls). openai fails most: 25 % of its 200 calls."
    )


def test_a_feature_that_ends_in_a_space_leads_to_its_events(client: Client, send: Send) -> None:
    long = "x" * 99 + " cut where labels end"
    send(failure(feature=long), failure(feature="x" * 99), failure(feature="x" * 99))
    client.force_login(make_person("eve", "view_event", "view_analytics"))

    found = links(shown(client, PAGE), "Timeouts per feature")

    numbers = [(int(text), behind(client, address)) for address, text in found.items() if text.isdecimal()]
    assert set(numbers) == {(1, 1), (2, 2)}
