"""Every linked number leads to as many events, or users, as it says."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client

from events.event_search import PAGE_SIZE
from events.rollups import compact
from tests.dashboards.pages.reading import behind, shown
from tests.events.admin.people import client_of, reader
from tests.events.conftest import Sender

OF = {"environment": "production", "release": "lift@2"}
BASE = "window=7d"


def events() -> Iterator[dict[str, Any]]:
    request = {"event": "api_response_time", "endpoint": "/api/jobs", "response_time_ms": 90}
    for number in range(12):
        yield {**request, "status": 500 if number < 3 else 200, "user_id": f"u-{number}"}
    for number in range(4):
        yield {"event": "api_error", "severity": "error", "endpoint": "/api/webhook", "user_id": f"u-{number % 3}"}
    yield {"event": "api_error", "severity": "critical", "endpoint": "/api/webhook", "user_id": "u-1"}
    yield {"event": "api_error", "severity": "warning", "user_id": "u-1"}
    for number in range(3):
        yield {"event": "ai_failure", "severity": "warning", "feature": "career", "ai_provider": "openai",
               "reason": "timeout", "user_id": f"u-{number}"}  # fmt: skip
    for number in range(5):
        yield {"event": "feature_used", "feature": "career", "user_id": f"u-{number}", "duration_seconds": 9}
    yield {"event": "feature_used", "user_id": "u-9"}
    for number in range(2):
        yield {"event": "formspree_failure", "severity": "warning", "reason": "timeout", "user_id": f"u-{number}"}
    for number in range(3):
        yield {
            "event": "data_consistency_error",
            "severity": "warning",
            "record": "beta_tester",
            "user_id": f"u-{number}",
        }
    for number in range(7):
        yield {"event": "cache_performance", "key": "jobs:search:17", "ttl": 300, "hit": number < 3}
    yield {"event": "cache_performance", "key": "jobs:search:18", "hit": False}
    yield {"event": "cache_performance", "hit": False, "ttl": 60}
    for number in range(6):
        yield {
            "event": "trial_conversion",
            "trial_type": "7_day",
            "converted": number < 2,
            "user_id": f"u-{number % 5}",
        }
    for number in range(3):
        yield {"event": "beta_register_rate_limited", "severity": "warning", "ip": "203.0.113.7"}
        yield {
            "event": "security_incident_lockout",
            "severity": "critical",
            "ip": f"198.51.100.{number}",
            "user_id": f"u-{number}",
        }


@pytest.fixture
def client(sender: Sender) -> Client:
    eve = client_of(reader())
    documents = [{"message": "broke", **one, **OF} for one in events()]
    assert sender.post(documents).status_code == 200
    compact()
    return eve


def numbers(html: str) -> Iterator[tuple[str, int, str]]:
    """(region, linked number, address) of every table of numbers."""
    for region, table in re.findall(
        r'aria-label="([^"]*)">\s*<table class="lm-table[^>]*>(.*?)</table>', html, re.DOTALL
    ):
        for address, number in re.findall(r'<a href="([^"]+)"[^>]*>([\d,]+)(?: trials?)?</a>', table):
            yield unescape(region), int(number.replace(",", "")), unescape(address)


# What must be linked: (page, table, a word of the address).
WANTED = [
    ("/admin/", "Unresolved issues, worst first", "/events/event/"),
    ("/admin/", "Unresolved issues, worst first", "#users"),
    ("/admin/", "The last releases, newest first", "/analytics/users/"),
    ("/admin/analytics/", "Top errors, most frequent first", "/analytics/users/"),
    ("/admin/analytics/", "Users hurt by severity, the worst first", "/events/event/"),
    ("/admin/analytics/", "Users hurt by severity, the worst first", "/analytics/users/"),
    ("/admin/analytics/endpoints/", "Endpoints, worst first", "name=api_response_time"),
    ("/admin/analytics/endpoint/?endpoint=/api/webhook", "What failed", "/events/event/"),
    ("/admin/analytics/endpoint/?endpoint=/api/webhook", "By release", "severity=errors"),
    ("/admin/analytics/endpoint/?endpoint=/api/jobs", "What failed", "status%3A5xx"),
    ("/admin/analytics/endpoint/?endpoint=/api/jobs", "By release", "status%3A5xx"),
    ("/admin/analytics/users/", "Users with the most failures", "severity=critical"),
    ("/admin/analytics/users/", "Users with the most failures", "severity=warning"),
    ("/admin/analytics/features/", "Features, most used first", "/analytics/users/"),
    ("/admin/analytics/ai/", "Timeouts per feature", "/analytics/users/"),
    ("/admin/analytics/security/", "Networks", "label=ip"),
    ("/admin/analytics/delivery/", "Deliveries by channel", "/events/event/"),
    ("/admin/analytics/delivery/", "Deliveries by channel", "/analytics/users/"),
    ("/admin/analytics/delivery/", "Records that disagree", "/analytics/users/"),
    ("/admin/analytics/cache/", "Key prefixes, most misses first", "hit%3Atrue"),
    ("/admin/analytics/cache/", "Times to live, lowest hit rate first", "ttl%3A300"),
    ("/admin/analytics/trials/", "Users at each step", "/events/event/"),
]


@pytest.mark.parametrize("page", sorted({page for page, _, _ in WANTED}))
def test_every_linked_number_is_what_it_leads_to(client: Client, page: str) -> None:
    html = shown(client, f"{page}{'&' if '?' in page else '?'}{BASE}")

    found = list(numbers(html))

    for region, number, address in found:
        if "/events/event/" in address:
            assert behind(client, address) == min(number, PAGE_SIZE), (region, address)
        elif "/analytics/users/" in address:
            answer: Any = client.get(address)
            assert answer.context_data["answer"].hurt.count == number, (region, address)
        if "/events/issue/" not in address and "issue=" not in address:
            assert dict(parse_qsl(urlsplit(address).query))["window"] == "7d"
    for _, table, word in (one for one in WANTED if one[0] == page):
        assert any(region == table and word in address for region, _, address in found), (table, word, found)


def test_users_and_their_trials_are_told_apart(client: Client) -> None:
    html = shown(client, f"/admin/analytics/trials/?{BASE}")

    (ended,) = [number for region, number, _ in numbers(html) if region == "Users at each step"][:1]
    assert ended == 6
    assert '<th scope="row">had a trial that ended</th><td>5<div' in html
