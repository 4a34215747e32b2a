"""The dry run of a rule that is being written."""

import json
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from alerts.models import Alert, AlertRule
from tests.dashboards.pages.reading import behind, rows
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/alerts/alertrule/dry-run/"


def fields(condition: str = "threshold", parameters: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """As the form of rules sends them; durations in seconds."""
    given = {"limit": 5, "window_seconds": "300 s"} if parameters is None else parameters
    durations = {"for_seconds": "0", "recover_seconds": "300 s", "group_wait_seconds": "0", "repeat_seconds": "4 h"}
    return {
        "condition": condition, "severity": "error", **durations,
        **{f"{condition}__{name}": value for name, value in given.items()}, **more,
    }  # fmt: skip


def failed(sender: Sender, times: int, **ago: int) -> None:
    at = timezone.now() - timedelta(**ago)
    event = {"event": "api_error", "endpoint": "/api/career", "timestamp": at.isoformat()}
    sender.store(*(event for _ in range(times)), at=at)


def asked(client: Client, **more: Any) -> str:
    response = client.post(ADDRESS, fields(**more))
    assert response.status_code == 200
    return response.content.decode()


def test_it_tells_what_would_have_fired_and_saves_nothing(admin_client: Client, sender: Sender) -> None:
    failed(sender, 6, days=3)
    failed(sender, 4, days=2)
    known = AlertRule.objects.count()

    html = asked(admin_client, names="api_error", group_by=["endpoint"], recover_seconds="120 s")

    assert "Would have fired once in the last 14 days: " in html
    assert "for 6 minutes (/api/career)." in html
    ((when, told),) = rows(html, "Alerts that would have fired")
    assert when.endswith(" for 6 minutes")
    assert told == "/api/career 6 events in 5 minutes, limit 5."
    assert AlertRule.objects.count() == known
    assert not Alert.objects.exists()


def test_an_alert_leads_to_its_events(admin_client: Client, sender: Sender) -> None:
    failed(sender, 6, days=3)
    failed(sender, 4, days=2)
    html = asked(admin_client, group_by="endpoint")
    link = (
        html.split('aria-label="Alerts that would have fired"')[1]
        .split('href="')[1]
        .split('"')[0]
        .replace("&amp;", "&")
    )

    assert behind(admin_client, link) == 6


def test_the_threshold_is_on_the_chart(admin_client: Client, sender: Sender) -> None:
    failed(sender, 4, days=2)
    html = asked(admin_client)
    chart = json.loads(html.split('<script id="dry-run-chart" type="application/json">')[1].split("</script>")[0])

    values, threshold = chart["datasets"]
    assert max(one for one in values["data"] if one is not None) == 4
    assert set(threshold["data"]) == {5}
    assert "Would not have fired in the last 14 days." in html
    assert "The most it came to was 80 % of its limit." in html


def test_an_immediate_rule_is_tried_too(admin_client: Client, sender: Sender) -> None:
    failed(sender, 2, hours=30)
    html = asked(admin_client, condition="event", parameters={}, names="api_error", recover_seconds="600 s")

    assert "Would have fired once" in html
    assert "api_error at /api/career" in html


def test_a_noisy_rule_is_told_to_raise_its_limit(admin_client: Client, sender: Sender) -> None:
    for hours in range(1, 60):
        failed(sender, 1, hours=hours)
    html = asked(admin_client, parameters={"limit": 1, "window_seconds": "60 s"}, recover_seconds="0")

    assert "Would have fired 59 times, 4 times a day: raise the limit" in html


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"parameters": {"limit": 0, "window_seconds": "300 s"}}, "Limit: "),
        ({"parameters": {"window_seconds": "300 s"}}, "Limit: It has to be given."),
        ({"condition": "moon"}, "Condition: "),
        ({"recover_seconds": "a while"}, "Recovers after: "),
        ({"condition": "cascade", "parameters": {"endpoints": 1}}, "Endpoints: "),
    ],
)
def test_it_says_what_is_wrong(admin_client: Client, more: dict[str, Any], said: str) -> None:
    assert said in asked(admin_client, **more)


def test_only_those_who_may_save_rules_may_try_them(client: Client) -> None:
    user = User.objects.create_user("reader", is_staff=True)
    client.force_login(user)
    assert client.post(ADDRESS, fields()).status_code == 403

    user.user_permissions.add(Permission.objects.get(codename="add_alertrule"))
    assert client.post(ADDRESS, fields()).status_code == 200


def test_it_asks_for_little(admin_client: Client, sender: Sender, django_assert_max_num_queries: Any) -> None:
    failed(sender, 6, days=3)
    with django_assert_max_num_queries(16):
        asked(admin_client, group_by="endpoint")


@pytest.mark.parametrize("condition", ["threshold", "event"])
def test_a_rule_about_too_much_is_given_up_in_time(
    admin_client: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch, condition: str
) -> None:
    failed(sender, 6, days=1)
    seconds = count(step=30)  # each look at the clock is half a minute later
    monkeypatch.setattr("alerts.replaying.replay.monotonic", lambda: next(seconds))
    parameters = None if condition == "threshold" else {}

    html = asked(admin_client, condition=condition, parameters=parameters)

    assert "This rule is about too much to be replayed at once." in html
    assert "Would have fired" not in html


def test_less_is_replayed_of_a_rule_about_much(
    admin_client: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed(sender, 6, days=1)
    # A look at the clock for each minute: 14 days of them take longer than a page may, 2 do not.
    seconds = count(step=0.004)
    monkeypatch.setattr("alerts.replaying.replay.monotonic", lambda: next(seconds))

    html = asked(admin_client)

    assert "in the last 2 days" in html
    assert "these are the last 2" in html
