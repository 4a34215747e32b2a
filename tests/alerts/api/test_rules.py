"""Making, changing and deleting rules."""

from collections.abc import Callable
from typing import Any

import pytest

from alerts.models import Alert, AlertRule, Channel, Route
from alerts.rules.guide import load_rules
from events.models import TokenScope
from tests.alerts.api.conftest import fields_at_fault, make_alert, make_notification
from tests.events.api.v1.conftest import Caller, queries
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
PAYMENTS: dict[str, Any] = {
    "name": "Payments fail",
    "condition": "threshold",
    "parameters": {"measure": "failure_ratio", "limit": 0.05, "window_seconds": 300},
    "severity": "critical",
}


def test_a_rule_that_was_made_is_read_as_it_was_written(sender: Sender, operator: Caller) -> None:
    more = {"service": "lift-api", "endpoints": ["/api/pay*", "/api/pay*"], "group_by": ["endpoint"], "owner": "ada"}

    response = operator.post("rules", {**PAYMENTS, **more})

    assert response.status_code == 201, response.content
    made = operator.get(f"rules/{response.json()['id']}").json()
    assert made == response.json()
    assert {name: made[name] for name in PAYMENTS} == PAYMENTS
    assert (made["service"]["slug"], made["endpoints"], made["owner"]) == ("lift-api", ["/api/pay*"], "ada")
    assert (made["is_enabled"], made["recover_seconds"], made["repeat_seconds"]) == (True, 300, 14400)
    AlertRule.objects.get().full_clean()


def test_every_rule_of_the_guide_can_be_read_and_written_again(operator: Caller) -> None:
    load_rules(AlertRule, Route)
    rules = operator.get("rules", limit=100).json()["results"]
    assert len(rules) == AlertRule.objects.count() > 5
    read_only = ("id", "key", "created_at", "service", "owner", "sentence")

    for rule in rules:
        written = operator.post("rules", {name: value for name, value in rule.items() if name not in read_only})
        assert written.status_code == 201, written.content
        assert written.json()["parameters"] == rule["parameters"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": None}, ["name"]),
        ({"name": ""}, ["name"]),
        ({"condition": "weather"}, ["condition"]),
        ({"severity": "debug"}, ["severity"]),
        ({"parameters": {"limit": 1}}, ["parameters.window_seconds"]),
        ({"parameters": {"limit": 1, "window_seconds": 5}}, ["parameters.window_seconds"]),
        ({"parameters": {"limit": "1", "window_seconds": 300}}, ["parameters.limit"]),
        ({"parameters": {"limit": 1, "window_seconds": 300, "lim\x00": 1}}, ["parameters.lim\x00"]),
        ({"parameters": {"limit": 1, "window_seconds": 300, "measure": ["users"]}}, ["parameters.measure"]),
        ({"parameters": {"limit": 5, "window_seconds": 300, "measure": "failure_ratio"}}, ["parameters.limit"]),
        ({"parameters": {"limit": 0.5, "window_seconds": 300, "measure": "share"}}, ["tag"]),
        ({"parameters": []}, ["parameters"]),
        ({"condition": "event"}, ["parameters.measure"]),
        ({"condition": "event", "parameters": {}, "severities": ["info"]}, ["severities"]),
        ({"service": "gone"}, ["service"]),
        ({"owner": "nobody"}, ["owner"]),
        ({"group_by": ["weather"]}, ["group_by"]),
        ({"names": "api_timeout"}, ["names"]),
        ({"names": ["x", 7]}, ["names"]),
        ({"names": ["x"] * 101}, ["names"]),
        ({"is_enabled": "true"}, ["is_enabled"]),
        ({"for_seconds": -1}, ["for_seconds"]),
        ({"key": "mine"}, ["key"]),
    ],
)
def test_a_rule_that_could_not_be_judged_is_refused_and_the_fault_named(
    operator: Caller, changes: dict[str, Any], fields: list[str]
) -> None:
    assert fields_at_fault(operator.post("rules", {**PAYMENTS, **changes})) == fields
    assert not AlertRule.objects.exists()


def test_what_is_left_out_of_a_change_stays(rule: AlertRule, operator: Caller) -> None:
    found = operator.patch(f"rules/{rule.pk}", {"severity": "error", "for_seconds": 120, "service": None}).json()

    assert (found["severity"], found["for_seconds"], found["name"]) == ("error", 120, "Provider fails")
    assert found["parameters"] == {"limit": 5, "window_seconds": 600}


def test_a_change_is_held_against_what_stays(rule: AlertRule, operator: Caller) -> None:
    assert fields_at_fault(operator.patch(f"rules/{rule.pk}", {"condition": "absence"})) == ["parameters.limit"]

    changed = {"condition": "absence", "parameters": {"window_seconds": 600}}
    assert operator.patch(f"rules/{rule.pk}", changed).json()["condition"] == "absence"


def test_a_rule_is_switched_off_and_on(rule: AlertRule, operator: Caller) -> None:
    assert operator.post(f"rules/{rule.pk}/disable").json()["is_enabled"] is False
    assert operator.get("rules", enabled="true").json()["results"] == []
    assert operator.post(f"rules/{rule.pk}/enable").json()["is_enabled"] is True


def test_a_rule_that_cannot_be_judged_is_not_switched_on(rule: AlertRule, operator: Caller) -> None:
    AlertRule.objects.filter(pk=rule.pk).update(is_enabled=False, parameters={})

    assert fields_at_fault(operator.post(f"rules/{rule.pk}/enable")) == ["parameters.limit"]


def test_a_rule_goes_with_the_history_of_its_alerts(rule: AlertRule, operator: Caller) -> None:
    make_alert(rule, state="resolved")

    assert operator.delete(f"rules/{rule.pk}").status_code == 204
    assert operator.get(f"rules/{rule.pk}").status_code == 404
    assert not Alert.objects.exists()


def test_a_rule_stays_while_somebody_is_yet_to_be_told(alert: Alert, channel: Channel, operator: Caller) -> None:
    address = f"rules/{alert.rule_id}"
    assert operator.delete(address).json()["code"] == "in_use"

    Alert.objects.update(state="resolved")
    waiting = make_notification(channel, alert, kind="resolved")
    assert operator.delete(address).status_code == 409

    waiting.delete()
    assert operator.delete(address).status_code == 204


def test_the_filters_narrow_the_list(rule: AlertRule, reader: Caller, sender: Sender) -> None:
    other = AlertRule.objects.create(name="Of", condition="event", severity="error", service=sender.service)

    for filters in ({"condition": "event"}, {"severity": "error,info"}, {"service": "lift-api"}):
        assert [one["id"] for one in reader.get("rules", **filters).json()["results"]] == [other.pk]


def test_a_page_costs_the_same_however_many_rules_it_lists(rule: AlertRule, reader: Caller, sender: Sender) -> None:
    reader.get("rules")
    for number in range(9):
        AlertRule.objects.create(
            name=str(number), condition="event", severity="error", service=sender.service, owner=reader.person
        )
    with queries() as asked:
        assert len(reader.get("rules").json()["results"]) == 10

    assert len(asked) <= 5, asked


@pytest.mark.parametrize(("method", "right"), [("post", "add"), ("patch", "change"), ("delete", "delete")])
def test_each_change_needs_its_right(
    rule: AlertRule, make_caller: Callable[..., Caller], method: str, right: str
) -> None:
    others = [f"{one}_alertrule" for one in ("add", "change", "delete") if one != right]
    caller = make_caller("view_alertrule", *others, scope=TokenScope.ALERTS)

    asked: dict[str, Callable[[], Any]] = {
        "post": lambda: caller.post("rules", PAYMENTS),
        "patch": lambda: caller.patch(f"rules/{rule.pk}", {"name": "x"}),
        "delete": lambda: caller.delete(f"rules/{rule.pk}"),
    }

    assert f"alerts.{right}_alertrule" in asked[method]().json()["detail"]
