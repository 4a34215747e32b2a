"""Incidents on the overview, in the navigation and on charts."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils import timezone

from alerts.incidents import handling, opening
from alerts.models import AlertRule, Incident
from dashboards.charts import Lasted, bands_of
from dashboards.pages.ongoing import Ongoing
from dashboards.window import Span
from events.rollups import compact
from tests.alerts.admin.people import make_alert, make_person, make_rule
from tests.alerts.incidents.making import make_incident
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

OVERVIEW = "/admin/"
READING = ("events.view_issue", "events.view_event", "dashboards.view_analytics")
MINUTE = timedelta(minutes=1)
OF_EVERY_CHART: tuple[dict[str, Any], ...] = (
    {"event": "api_error", "message": "broke", "severity": "error", "endpoint": "/api/pay"},
    {"event": "api_response_time", "endpoint": "/api/pay", "response_time_ms": 800, "status": 502},
    {"event": "formspree_failure", "level": "warn", "data": {"reason": "timeout"}},
    {"event": "cache_performance", "data": {"key": "cv:1", "hit": True, "ttl": 300}},
    {"event": "ai_failure", "level": "warn", "feature": "career", "ai_provider": "openai", "reason": "timeout"},
    {"event": "beta_register_rate_limited", "level": "warn", "ip": "203.0.113.7"},
    {"event": "feature_used", "feature": "career"},
    {"event": "trial_conversion", "data": {"trial_type": "week", "converted": True}},
)


@pytest.fixture(autouse=True)
def _heard(sender: Sender) -> None:
    AlertRule.objects.all().delete()
    assert sender.post({"event": "api_error", "message": "broke", "severity": "error"}).status_code == 200


@pytest.fixture
def ada(db: None) -> User:
    return make_person("ada", "alerts.view_incident", *READING)


@pytest.fixture
def eve(db: None) -> User:
    """May look at everything but incidents."""
    return make_person("eve", *READING)


def told(response: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def bands(person: User, address: str, chart: str = r"lm-[\w-]+") -> list[dict[str, Any]]:
    """Of that chart of a page, the first unless it is said."""
    page = client_of(person).get(address)
    assert page.status_code == 200
    found = re.search(rf'<script id="{chart}" type="application/json">(.*?)</script>', page.content.decode())
    assert found is not None, address
    shown: list[dict[str, Any]] = orjson.loads(unescape(found[1]))["bands"]
    return shown


@pytest.mark.parametrize(
    ("count", "severity", "verdict"),
    [
        (0, 1, ("Nothing failed.", "good")),
        (1, 4, ("1 incident open; nothing failed.", "warn")),
        (2, 2, ("2 incidents open; nothing failed.", "bad")),
    ],
)
def test_the_verdict_begins_with_open_incidents(count: int, severity: int, verdict: tuple[str, str]) -> None:
    state = Ongoing(count, 0, [Incident(severity=severity)] * count)

    assert state.with_verdict("Nothing failed.", "good") == verdict


def test_the_overview_names_open_incidents_in_words_as_a_tile_and_as_rows(ada: User) -> None:
    now = timezone.now()
    make_incident("Checkout fails", at=now - 130 * MINUTE, severity=1, commander=ada)
    second = make_incident("Mail is late", at=now - 5 * MINUTE, severity=3)
    handling.acknowledge(second.pk, by=ada, at=now)
    over = make_incident("Long ago", at=now - 500 * MINUTE)
    handling.resolve(over.pk, by=ada, at=now)

    page = client_of(ada).get(OVERVIEW)

    text = told(page)
    assert "2 incidents open; " in text
    assert "Incidents open now 2 1 not acknowledged" in text
    assert re.search(r"SEV1 Triggered #\d+ Checkout fails 2 hours ago ada", text)
    assert text.index("Checkout fails") < text.index("Mail is late")
    rows = page.content.decode().partition('id="lm-ongoing-title"')[2].partition("</section>")[0]
    assert "Long ago" not in rows
    assert "/admin/alerts/incident/counted/?incident=" in page.content.decode()


def test_who_may_not_look_at_incidents_hears_of_none(eve: User) -> None:
    incident = make_incident("Checkout fails")

    page = client_of(eve).get(OVERVIEW)

    assert "incident" not in told(page).lower()
    assert f"/admin/alerts/incident/{incident.pk}" not in page.content.decode()
    assert bands(eve, f"{OVERVIEW}?window=24h") == []


def test_the_navigation_counts_those_that_go_on(ada: User) -> None:
    make_incident()
    over = make_incident()
    handling.resolve(over.pk, by=None, at=timezone.now())

    page = client_of(ada).get(OVERVIEW).content.decode()

    entry = re.search(r'<a href="/admin/alerts/incident/"[^>]*>(.*?)</a>', page, re.DOTALL)
    assert entry is not None
    assert re.sub(r"<[^>]+>|\s+", " ", entry[1]).split()[-2:] == ["Incidents", "1"]


class TestCharts:
    def test_they_mark_incidents_of_the_window_with_a_link_and_in_words(self, ada: User) -> None:
        now = timezone.now()
        incident = make_incident("Checkout fails", at=now - 3 * 60 * MINUTE, ended_at=now - 2 * 60 * MINUTE)
        make_incident("Before", at=now - timedelta(days=3), ended_at=now - timedelta(days=2))

        [band] = bands(ada, f"{OVERVIEW}?window=24h")

        assert (band["label"], band["title"]) == (f"Incident #{incident.pk}", "Checkout fails")
        assert 0 < band["from"] < band["to"] < 25
        page = client_of(ada).get(f"{OVERVIEW}?window=24h").content.decode()
        table = page.partition('<details class="lm-chart-numbers">')[2].partition("</details>")[0]
        assert f'<a href="/admin/alerts/incident/{incident.pk}/change/">Incident #{incident.pk}</a>' in table

    def test_one_that_goes_on_reaches_from_the_edge_to_the_end(self, ada: User) -> None:
        make_incident(at=timezone.now() - timedelta(days=3))

        [band] = bands(ada, f"{OVERVIEW}?window=24h")

        assert band["from"] == 0
        assert band["to"] >= 24
        assert band["when"].startswith("since ")

    def test_every_page_with_a_chart_over_time_marks_them(self, ada: User, sender: Sender) -> None:
        at = (timezone.now() - 5 * MINUTE).isoformat()
        sender.store(*({"timestamp": at, "user_id": "u1", **document} for document in OF_EVERY_CHART))
        compact()
        incident = make_incident(at=timezone.now() - 5 * MINUTE)

        for page in ("errors", "users", "endpoints", "security", "features", "delivery", "cache", "ai", "trials"):
            found = bands(ada, f"/admin/analytics/{page}/?window=24h")
            assert [one["label"] for one in found] == [f"Incident #{incident.pk}"], page
        for chart in ("lm-endpoint-requests", "lm-endpoint-latency"):
            found = bands(ada, "/admin/analytics/endpoint/?window=24h&endpoint=/api/pay", chart)
            assert [one["label"] for one in found] == [f"Incident #{incident.pk}"], chart

    def test_of_a_service_those_of_it_are_marked(self, ada: User, sender: Sender, make_sender: Any) -> None:
        now, other = timezone.now(), make_sender("other")
        mine = make_incident("Mine", at=now, service=sender.service)
        make_incident("Theirs", at=now, service=other.service)
        make_incident("Nobody's", at=now)
        several = make_incident("Of several", at=now)
        labels = {"service": str(sender.service.pk)}
        opening.add_alert(several, make_alert(make_rule(), labels=labels), by=None, at=now)
        cascade = make_incident("Cascade", at=now)
        evidence = {"members": [{"service": sender.service.pk, "endpoint": "/x"}]}
        opening.add_alert(cascade, make_alert(make_rule("c"), evidence=evidence), by=None, at=now)

        found = bands(ada, f"{OVERVIEW}?window=24h&service={sender.service.pk}")

        assert {one["title"] for one in found} == {"Mine", "Of several", "Cascade"}
        assert mine.title in {one["title"] for one in found}

    def test_of_an_environment_those_of_it_and_of_several_are_marked(self, ada: User) -> None:
        now = timezone.now()
        for environment in ("production", "staging", ""):
            make_incident(environment or "several", at=now, environment=environment)

        found = bands(ada, f"{OVERVIEW}?window=24h&environment=production")

        assert {one["title"] for one in found} == {"production", "several"}


def test_a_band_says_from_when_until_when_on_the_readers_clock() -> None:
    start = datetime(2026, 3, 4, 10, tzinfo=UTC)
    steps = [Span(start + number * 60 * MINUTE, start + (number + 1) * 60 * MINUTE) for number in range(4)]
    lasted = [
        Lasted(start - 30 * MINUTE, start + 30 * MINUTE, "Incident #1", "a", "/1"),
        Lasted(start + 90 * MINUTE, None, "Incident #2", "b", "/2"),
        Lasted(start + 90 * MINUTE, start + timedelta(days=1), "Incident #3", "c", "/3"),
    ]

    found = bands_of(steps, ZoneInfo("Europe/Berlin"), lasted)

    assert [(one["from"], one["to"], one["when"]) for one in found] == [
        (0, 0.5, "4 Mar, 10:30 to 11:30"),
        (1.5, 4, "since 4 Mar, 12:30"),
        (1.5, 4, "4 Mar, 12:30 to 5 Mar, 11:00"),
    ]
