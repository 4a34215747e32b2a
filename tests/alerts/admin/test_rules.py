"""The list of rules, their form, and the sentence that follows it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from alerts.admin.rule_form import PARAMETER_FIELDS
from alerts.conditions import parameters_of
from alerts.models import AlertEntry, AlertRule, ConditionType
from tests.alerts.making import make_alert, make_rule
from tests.events.admin.people import client_of, make_person
from tests.events.conftest import Sender
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db
LIST = "/admin/alerts/alertrule/"


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()


def form(condition: str = "threshold", **fields: Any) -> dict[str, Any]:
    """What a browser sends: the fields of all conditions, the hidden ones with what stood in them."""
    values = {
        "name": "AI fails", "severity": "warning", "is_enabled": "on", "condition": condition, "service": "", "names": "",
        "environments": "", "endpoints": "", "tag": "", "for_seconds": "0", "recover_seconds": "15 min",
        "group_wait_seconds": "0 s", "repeat_seconds": "4 h", "owner": "", "runbook": "", "threshold__limit": "5",
        "threshold__window_seconds": "10 min", "threshold__measure": "events", "threshold__least_volume": "0",
        "latency__limit_ms": "", "latency__percentile": "95", "spike__times": "nonsense",
    }  # fmt: skip
    return values | fields


def errors_of(page: Any) -> dict[str, list[str]]:
    return dict(page.context["adminform"].form.errors)


def test_a_rule_is_made_as_it_is_written(admin_client: Client, admin_user: User) -> None:
    sent = form(
        names="ai_failure, ai_timeout,ai_failure", group_by=["ai_provider"], owner=admin_user.pk, severities=["error"]
    )

    response = admin_client.post(f"{LIST}add/", sent)

    assert response.status_code == 302, errors_of(response)
    rule = AlertRule.objects.get()
    assert rule.parameters == {"limit": 5.0, "window_seconds": 600, "measure": "events", "least_volume": 0}
    assert (rule.names, rule.group_by, rule.severities) == (["ai_failure", "ai_timeout"], ["ai_provider"], ["error"])
    assert (rule.for_seconds, rule.recover_seconds, rule.repeat_seconds) == (0, 900, 14_400)
    assert rule.owner == admin_user
    assert rule.parsed()


@pytest.mark.parametrize("kind", ConditionType.values)
def test_every_condition_can_be_made_by_its_defaults_and_limits(admin_client: Client, kind: str) -> None:
    needed = {
        f"{kind}__{one.name}": "10 min" if one.name.endswith("_seconds") else "5"
        for one in parameters_of(kind)
        if one.default is None
    }

    response = admin_client.post(f"{LIST}add/", form(kind, **needed, spike__times="2"))

    assert response.status_code == 302, errors_of(response)
    rule = AlertRule.objects.get()
    assert rule.parsed()
    page = admin_client.get(f"{LIST}{rule.pk}/change/").content.decode()
    assert "It is not judged" not in page
    assert f'lm-for-{kind}"' in page or f"lm-for-{kind} " in page


def test_the_form_has_every_parameter_with_its_default() -> None:
    for kind in ConditionType.values:
        for one in parameters_of(kind):
            field = PARAMETER_FIELDS[f"{kind}__{one.name}"]
            assert field.label
            shown = "99.9 %" if one.name == "objective" else one.default
            assert field.initial == shown


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        ({"threshold__limit": ""}, "threshold__limit", "It has to be given"),
        ({"threshold__limit": "many"}, "threshold__limit", "Write a number"),
        ({"threshold__limit": "0"}, "threshold__limit", "From 1e-06"),
        ({"threshold__window_seconds": "5"}, "threshold__window_seconds", "Say the unit, too"),
        ({"threshold__window_seconds": "10 s"}, "threshold__window_seconds", "From 1 min to 30 d"),
        ({"threshold__least_volume": "1.5"}, "threshold__least_volume", "whole number"),
        ({"threshold__measure": "share"}, "tag", "needs the tag"),
        ({"threshold__measure": "failure_ratio"}, "threshold__limit", "A share is at most 1"),
        ({"condition": "event", "severities": ["error", "info"]}, "severities", "counted and not judged one by one"),
        ({"condition": "latency"}, "latency__limit_ms", "It has to be given"),
        ({"condition": "spike", "spike__window_seconds": "1 h"}, "spike__times", "Write a number"),
        ({"threshold__measure": "users", "tag": "hit:false"}, "tag", "does not look at tags"),
        ({"condition": "latency", "latency__limit_ms": "5", "tag": "hit:false"}, "tag", "does not look at tags"),
        ({"condition": "cascade", "names": "api_error"}, "names", "all failures of an endpoint"),
        ({"condition": "cascade", "severities": ["error"]}, "severities", "all failures of an endpoint"),
        ({"condition": "cascade", "group_by": ["service", "ai_provider"]}, "group_by", "take ai_provider out"),
        ({"recover_seconds": "soon"}, "recover_seconds", "Write it as"),
        ({"names": "x" * 201}, "names", "longer than 200"),
        ({"environments": ",".join(str(number) for number in range(51))}, "environments", "At most 50"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(admin_client: Client, fields: dict[str, Any], name: str, said: str) -> None:
    page = admin_client.post(f"{LIST}add/", form(**fields))

    assert page.status_code == 200
    assert said in " ".join(errors_of(page)[name])
    assert not AlertRule.objects.exists()


def test_shares_are_read_and_shown_as_people_say_them(admin_client: Client) -> None:
    sent = form("burn_rate", burn_rate__objective="99.5 %", burn_rate__least_volume="200")
    admin_client.post(f"{LIST}add/", sent)
    rule = AlertRule.objects.get()

    page = admin_client.get(f"{LIST}{rule.pk}/change/").content.decode()

    assert rule.parameters == {"objective": 0.995, "least_volume": 200}
    assert 'value="99.5 %"' in page


def test_changing_the_condition_leaves_none_of_the_old_parameters(admin_client: Client) -> None:
    rule = make_rule("threshold", parameters={"limit": 5, "window_seconds": 600})

    admin_client.post(f"{LIST}{rule.pk}/change/", form("absence", absence__window_seconds="30 min"))

    rule.refresh_from_db()
    assert (rule.condition, rule.parameters) == ("absence", {"window_seconds": 1800})


def test_only_the_fields_of_the_condition_are_shown(admin_client: Client) -> None:
    rule = make_rule("latency", parameters={"limit_ms": 1000, "window_seconds": 600})

    page = admin_client.get(f"{LIST}{rule.pk}/change/").content.decode()

    assert "lm-for lm-for-threshold hidden" in page
    assert "lm-for lm-for-latency hidden" not in page


def test_the_form_is_tried_as_it_stands_without_a_name(admin_client: Client) -> None:
    page = admin_client.get(f"{LIST}add/").content.decode()
    assert f'hx-post="{LIST}dry-run/"' in page
    assert 'id="dry-run"' in page

    tried = admin_client.post(f"{LIST}dry-run/", form(name="", names="ai_failure")).content.decode()
    wrong = admin_client.post(f"{LIST}dry-run/", form(threshold__limit="")).content.decode()

    assert "last 14 days" in tried
    assert "Limit: It has to be given." in wrong
    assert not AlertRule.objects.exists()


def test_pages_that_choose_a_rule_can_order_their_choices(admin_client: Client) -> None:
    rule = make_rule(name="Chosen")
    alert = make_alert(rule)

    assert admin_client.get(f"/admin/alerts/alert/{alert.pk}/change/").status_code == 200


def test_what_was_seen_is_suggested(sender: Sender, admin_client: Client) -> None:
    sender.store({"event": "api_error", "endpoint": "/api/career", "environment": "production"})
    from events.rollups import compact

    compact()

    page = admin_client.get(f"{LIST}add/").content.decode()

    for word, target in (
        ("production", "id_environments"),
        ("/api/career", "id_endpoints"),
        ("ai_failure", "id_names"),
    ):
        assert f'data-lm-adds="{word}" data-lm-target="{target}"' in page


def test_the_sentence_follows_the_form(admin_client: Client) -> None:
    sent = form(names="ai_failure", group_by=["ai_provider"])

    said = admin_client.post(f"{LIST}sentence/", sent).content.decode()

    assert "When 5 or more ai_failure events come within 10 minutes for one ai_provider" in said
    assert "again every 4 hours" in said
    assert not AlertRule.objects.exists()


def test_the_sentence_says_what_is_missing(admin_client: Client) -> None:
    said = admin_client.post(f"{LIST}sentence/", form(threshold__limit="", names="<b>x</b>")).content.decode()

    assert "<strong>Limit</strong>: It has to be given." in said
    assert "Times the usual" not in said


def test_the_list_says_what_rules_do_and_how_loud_they_are(admin_client: Client) -> None:
    loud = make_rule("threshold", name="Loud", parameters={"limit": 5, "window_seconds": 600}, severity="warning")
    make_rule(name="<script>alert(1)</script>", severities=["critical"])
    for _ in range(11):
        make_alert(loud)

    page = admin_client.get(LIST).content.decode()

    assert "When 5 or more events come within 10 minutes" in page
    behind = f"/admin/alerts/alert/?rule={loud.pk}&amp;fired=30d"
    assert f'<a href="{behind}">fired 11 times</a>' in page
    assert f'0 acknowledged, <a href="{behind}&amp;acknowledged=ignored">11 ignored</a>' in page
    assert "Nobody acted: raise the threshold?" in page
    assert "did not fire" in page
    assert "<script>alert(1)" not in page


def test_an_acknowledged_alert_takes_the_hint_away(admin_client: Client, admin_user: User) -> None:
    loud = make_rule()
    for _ in range(11):
        make_alert(loud)
    make_alert(loud, acknowledged_at=timezone.now(), acknowledged_by=admin_user)

    page = admin_client.get(LIST).content.decode()

    assert ">1 acknowledged</a>" in page
    assert ">11 ignored</a>" in page
    assert "Nobody acted" not in page


@pytest.mark.parametrize(("query", "count"), [("", 3), ("&acknowledged=yes", 1), ("&acknowledged=ignored", 1)])
def test_each_number_of_the_noise_leads_to_its_alerts(
    admin_client: Client, admin_user: User, query: str, count: int
) -> None:
    loud, now = make_rule(), timezone.now()
    make_alert(loud)
    make_alert(loud, acknowledged_at=now, acknowledged_by=admin_user)
    AlertEntry.objects.create(alert=make_alert(loud), kind="noted", at=now, actor=admin_user)
    make_alert(loud, at=now - timedelta(days=31))
    make_alert(loud, fired_at=None)

    listed = admin_client.get(f"/admin/alerts/alert/?rule={loud.pk}&fired=30d{query}")

    assert listed.context["cl"].queryset.count() == count


@pytest.mark.parametrize("count", [1, 30])
def test_the_list_costs_the_same_however_long_it_is(
    admin_client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        make_alert(make_rule(name=f"Rule {number}"))

    with django_assert_max_num_queries(10):
        assert admin_client.get(LIST).status_code == 200


def test_an_empty_list_says_what_to_do(admin_client: Client) -> None:
    assert "Add a rule" in admin_client.get(LIST).content.decode()
    assert "No rule matches" in admin_client.get(f"{LIST}?q=nothing").content.decode()


def test_a_rule_is_switched_from_the_list_and_the_filters_stay(admin_client: Client) -> None:
    rule = make_rule()
    address = f"{LIST}{rule.pk}/toggle/"

    response = admin_client.post(address, headers={"Referer": f"http://testserver{LIST}?severity__exact=critical"})

    rule.refresh_from_db()
    assert not rule.is_enabled
    assert response["Location"] == f"{LIST}?severity__exact=critical"
    elsewhere = admin_client.post(address, headers={"Referer": f"https://evil.example{LIST}?x=1"})
    assert elsewhere["Location"] == LIST
    rule.refresh_from_db()
    assert rule.is_enabled
    assert admin_client.get(address).status_code == 405
    assert LogEntry.objects.count() == 2


def test_a_copy_is_off_and_not_the_guides(admin_client: Client) -> None:
    rule = make_rule("threshold", parameters={"limit": 5, "window_seconds": 600}, key="ai", names=["ai_failure"])

    page: Any = admin_client.post(f"{LIST}{rule.pk}/duplicate/", follow=True)

    copy = AlertRule.objects.exclude(pk=rule.pk).get()
    assert (copy.name, copy.is_enabled, copy.key, copy.names) == ("Copy of Rule", False, "", ["ai_failure"])
    assert copy.parameters == rule.parameters
    assert "This is the copy" in page.content.decode()


def test_several_are_switched_and_copied_at_once(admin_client: Client) -> None:
    rules = [make_rule(name=f"Rule {number}") for number in range(3)]
    chosen = [rule.pk for rule in rules[:2]]

    admin_client.post(LIST, {"action": "disable_rules", "_selected_action": chosen})
    assert [rule.is_enabled for rule in AlertRule.objects.order_by("pk")] == [False, False, True]
    admin_client.post(LIST, {"action": "enable_rules", "_selected_action": chosen})
    assert AlertRule.objects.filter(is_enabled=True).count() == 3
    admin_client.post(LIST, {"action": "duplicate_rules", "_selected_action": chosen})
    assert AlertRule.objects.count() == 5


def test_a_reader_sees_the_sentence_and_changes_nothing() -> None:
    rule = make_rule("threshold", parameters={"limit": 5, "window_seconds": 600})
    client = client_of(make_person("eve", "view_alertrule"))

    listed, page = client.get(LIST).content.decode(), client.get(f"{LIST}{rule.pk}/change/").content.decode()

    assert "When 5 or more events" in listed
    assert "When 5 or more events" in page
    assert "lm-switch" not in listed
    assert "Duplicate" not in page
    for address in (f"{rule.pk}/toggle/", f"{rule.pk}/duplicate/", "sentence/", "add/"):
        assert client.post(f"{LIST}{address}", form()).status_code == 403
    rule.refresh_from_db()
    assert rule.is_enabled
    assert AlertRule.objects.count() == 1


def test_a_rule_of_a_later_version_is_listed_all_the_same(admin_client: Client) -> None:
    rule = make_rule("threshold", parameters={"limit": 5, "window_seconds": 600})
    AlertRule.objects.update(parameters={"limit": 5, "window_seconds": 600, "phase": "moon"})

    assert "It is not judged: There is no parameter" in admin_client.get(LIST).content.decode()
    assert admin_client.get(f"{LIST}{rule.pk}/change/").status_code == 200
