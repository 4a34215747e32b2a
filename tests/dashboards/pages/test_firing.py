"""Alerts on the overview: in the verdict, as a tile, as rows with a button; and how many fire in the navigation."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils import timezone

from alerts.models import Alert, AlertRule
from dashboards.pages.firing import Firing
from tests.alerts.admin.people import looker, make_alert, make_person, make_rule
from tests.events.admin.people import client_of
from tests.events.conftest import Sender

OVERVIEW = "/admin/"
READING = ("events.view_issue", "events.view_event", "dashboards.view_analytics")


@pytest.fixture(autouse=True)
def _heard(sender: Sender) -> None:
    AlertRule.objects.all().delete()
    assert sender.post({"event": "api_error", "message": "broke", "severity": "error"}).status_code == 200


@pytest.fixture
def ada(db: None) -> User:
    return make_person("ada", "alerts.view_alert", "alerts.change_alert", *READING)


def told(response: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def firing(count: int, *, critical: int = 0) -> Firing:
    return Firing(count=count, unacknowledged=0, critical=critical, listed=[], may_act=False)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (firing(0), ("Nothing failed.", "good")),
        (firing(1), ("1 alert fires; nothing failed.", "warn")),
        (firing(1200, critical=1), ("1,200 alerts fire; nothing failed.", "bad")),
    ],
)
def test_the_verdict_begins_with_what_fires(state: Firing, verdict: tuple[str, str]) -> None:
    assert state.with_verdict("Nothing failed.", "good") == verdict
    assert state.with_verdict("It burns.", "bad")[1] == "bad"


def test_the_overview_tells_what_fires_in_words_as_a_tile_and_as_rows(ada: User) -> None:
    now = timezone.now()
    make_alert(make_rule("taken"), acknowledged_by=ada, acknowledged_at=now)
    alert = make_alert(make_rule("burns"), at=now - timedelta(hours=2))
    make_alert(make_rule("waits"), state="pending")

    page = client_of(ada).get(OVERVIEW)

    text, html = told(page), page.content.decode()
    assert "2 alerts fire; " in text
    assert "Alerts firing now 2 1 not acknowledged" in text
    assert "burns burns is empty 2 hours ago Acknowledge burns" in text
    assert "taken taken is empty 10 min ago by ada" in text
    assert text.index("burns is empty") < text.index("taken is empty")
    assert "waits" not in text
    assert f'formaction="/admin/alerts/alert/{alert.pk}/acknowledge/"' in html
    assert 'href="/admin/alerts/alert/?state=firing"' in html


def test_acknowledging_there_goes_back_there(ada: User) -> None:
    alert, client = make_alert(make_rule()), client_of(ada)
    page = client.get(f"{OVERVIEW}?window=7d").content.decode()
    wanted = re.search(r'name="next" value="([^"]+)"', page)
    assert wanted is not None

    answer: Any = client.post(f"/admin/alerts/alert/{alert.pk}/acknowledge/", {"next": wanted[1]})

    assert answer.url == "/admin/?window=7d"
    assert Alert.objects.get().acknowledged_by == ada


def test_when_nothing_fires_the_tile_says_so_and_there_are_no_rows(ada: User) -> None:
    text = told(client_of(ada).get(OVERVIEW))

    assert "Alerts firing now 0 nothing to acknowledge" in text
    assert "Firing now" not in text


def test_who_may_only_look_sees_no_button(db: None) -> None:
    make_alert(make_rule())
    client = client_of(make_person("eve", "alerts.view_alert", *READING))

    page = client.get(OVERVIEW).content.decode()

    assert "by nobody" in page
    assert "/acknowledge/" not in page


def test_who_may_see_alerts_alone_sees_them(db: None) -> None:
    make_alert(make_rule())

    text = told(client_of(looker()).get(OVERVIEW))

    assert "Pool is empty" in text
    assert "may not see issues and events" in text


def test_who_may_not_see_alerts_is_told_of_none(db: None) -> None:
    make_alert(make_rule())

    text = told(client_of(make_person("max", *READING)).get(OVERVIEW))

    assert "Pool" not in text
    assert "Alerts firing" not in text


@pytest.mark.parametrize("count", [1, 9])
def test_it_costs_the_same_queries_for_any_number(count: int, django_assert_num_queries: Any) -> None:
    rule = make_rule()
    for number in range(count):
        make_alert(rule, labels={"endpoint": f"/{number}"})
    client = client_of(looker())

    # Session, user, two of permissions, badge, setup, counts, the worst, services.
    with django_assert_num_queries(9):
        client.get(OVERVIEW)
