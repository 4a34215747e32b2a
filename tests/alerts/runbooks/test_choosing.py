import pytest

from alerts.models import AlertRule, Runbook
from alerts.runbooks.choosing import runbook_for
from tests.alerts.making import make_alert
from tests.alerts.runbooks.making import make_incident, make_runbook

pytestmark = pytest.mark.django_db


def followed(incident) -> str:
    runbook = runbook_for(incident)
    return runbook.key if runbook else ""


def test_an_incident_of_a_critical_event_follows_the_runbook_of_its_name():
    rule = AlertRule.objects.get(key="critical_event")
    alert = make_alert(rule, labels={"service": "1", "environment": "production", "name": "db_pool_error"})
    assert followed(make_incident(alert)) == "db_pool_error"


def test_a_cascade_follows_that_of_its_rule():
    assert followed(make_incident(make_alert(AlertRule.objects.get(key="cascade")))) == "cascade"


def test_a_rule_that_is_about_one_name_says_what_it_is_about():
    assert followed(make_incident(make_alert(AlertRule.objects.get(key="lockout")))) == "security_incident_lockout"


def test_names_go_before_rules():
    rule = AlertRule.objects.get(key="critical_event")
    make_runbook("Ours", 5, rules=[rule])
    alert = make_alert(rule, labels={"name": "auth_system_failure"})
    assert followed(make_incident(alert)) == "auth_system_failure"


def test_a_star_stands_for_anything():
    named = make_runbook("Mail", 5, event_names=["mail_*"])
    alert = make_alert(AlertRule.objects.get(key="critical_event"), labels={"name": "mail_bounced"})
    assert runbook_for(make_incident(alert)) == named


def test_one_opened_by_hand_follows_that_for_everything_else():
    assert followed(make_incident()) == "guide"


def test_those_that_are_switched_off_are_followed_by_nobody():
    Runbook.objects.update(is_enabled=False)
    assert runbook_for(make_incident()) is None
