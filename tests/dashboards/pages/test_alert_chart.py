"""The chart of an alert: what its rule counts, the threshold as a line, and when it fired."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.evaluation import judge_windows
from alerts.models import Alert, AlertRule
from tests.alerts.admin.people import looker, make_alert, make_person, make_rule
from tests.events.admin.people import client_of
from tests.events.conftest import Sender


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()


def address(alert: Alert) -> str:
    return f"/admin/alerts/chart/{alert.pk}/"


def fired(sender: Sender) -> Alert:
    make_rule("Errors", condition="threshold", parameters={"limit": 2, "window_seconds": 300}, names=["api_error"])
    sender.store(*({"event": "api_error"} for _ in range(3)))
    judge_windows(now=timezone.now())
    return Alert.objects.get()


def test_it_draws_the_values_the_threshold_and_what_happened(sender: Sender) -> None:
    alert = fired(sender)

    html = client_of(looker()).get(address(alert), headers={"HX-Request": "true"}).content.decode()

    found = re.search(r'<script id="lm-alert-course" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    chart: dict[str, Any] = json.loads(found[1])
    values, limit = chart["datasets"]
    assert (chart["type"], values["label"], values["data"][-1]) == ("line", "Events in 5 minutes", 3)
    assert (limit["label"], limit["dashed"], set(limit["data"])) == ("Threshold: 2", True, {2})
    assert [mark["label"] for mark in chart["marks"]] == ["fired"]
    assert "<html" not in html
    assert "Events in 5 minutes: at most 3, now 3; threshold 2" in html
    assert "when the condition began to hold" in html
    assert "<details" in html.split("</canvas>")[1]  # the same numbers as a table


def test_it_is_a_page_of_its_own_too(sender: Sender) -> None:
    page = client_of(looker()).get(address(fired(sender))).content.decode()

    assert page.count('role="main"') == 1
    assert 'data-lm-chart="lm-alert-course"' in page


def test_counts_that_are_gone_are_said_to_be_gone(db: None) -> None:
    alert = make_alert(make_rule(), state="resolved", at=timezone.now() - timedelta(days=60))

    assert "no longer kept" in client_of(looker()).get(address(alert)).content.decode()


def test_too_little_to_judge_by_is_said(db: None) -> None:
    rule = make_rule(condition="latency", parameters={"limit_ms": 100, "window_seconds": 300})

    assert "too little to judge by" in client_of(looker()).get(address(make_alert(rule))).content.decode()


def test_it_needs_the_right_to_look_and_an_alert(sender: Sender) -> None:
    alert = fired(sender)

    assert client_of(make_person("max", "dashboards.view_analytics")).get(address(alert)).status_code == 403
    assert client_of(looker()).get("/admin/alerts/chart/12345/").status_code == 404


def test_it_costs_few_queries(sender: Sender, django_assert_max_num_queries: Any) -> None:
    alert, client = fired(sender), client_of(looker())

    # Session, user, two of permissions, the alert, series, minutes, what is not folded yet.
    with django_assert_max_num_queries(8):
        client.get(address(alert), headers={"HX-Request": "true"})
