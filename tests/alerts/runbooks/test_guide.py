import pytest

from alerts.models import AlertRule, Runbook, RunbookStep
from alerts.rules.guide import OPENS_INCIDENT
from alerts.runbooks import writing
from alerts.runbooks.guide import GUIDE_RUNBOOKS, load_runbooks
from events.catalogue import GUIDE


def test_each_critical_failure_of_the_guide_has_a_runbook():
    wanted = {entry.name for entry in GUIDE if entry.default_severity == "critical"}
    assert wanted == {name for one in GUIDE_RUNBOOKS for name in one.event_names}


@pytest.mark.parametrize("runbook", GUIDE_RUNBOOKS, ids=lambda one: one.key)
def test_a_runbook_has_the_guide_s_four_steps_with_its_targets(runbook):
    assert [(step.kind, step.target_minutes) for step in runbook.steps] == [
        ("check", 5), ("mitigate", 15), ("investigate", 60), ("notify", 30),
    ]  # fmt: skip
    for step in runbook.steps:
        html = writing.as_html(step.text)
        assert len(step.text) > 150, "somebody is to work by it at night"
        assert "```" not in html
        assert "**" not in html


def test_the_guide_s_own_commands_are_in_the_runbook_of_the_database():
    text = "\n".join(step.text for one in GUIDE_RUNBOOKS if one.key == "db_pool_error" for step in one.steps)
    for command in (
        'psql -U user -d lift -c "SELECT count(*) FROM pg_stat_activity;"',
        "SELECT pg_terminate_backend(pid);",
        "CREATE INDEX CONCURRENTLY ...;",
        "pg_size_pretty(pg_total_relation_size(schemaname||'.'||tablename))",
        "vercel deployments --rollback",
        "We experienced brief downtime, now resolved",
    ):
        assert command in text


@pytest.mark.django_db
def test_they_are_made_once_and_stay_as_staff_left_them():
    Runbook.objects.filter(key="db_pool_error").update(name="Ours")
    RunbookStep.objects.filter(runbook__key="db_pool_error").exclude(kind="check").delete()
    assert load_runbooks(Runbook, RunbookStep, AlertRule) == 0
    assert Runbook.objects.get(key="db_pool_error").name == "Ours"
    assert RunbookStep.objects.filter(runbook__key="db_pool_error").count() == 1


@pytest.mark.django_db
def test_an_own_runbook_keeps_its_name_and_its_place():
    Runbook.objects.all().delete()
    own = Runbook.objects.create(name="Payments fail", is_fallback=True)
    assert load_runbooks(Runbook, RunbookStep, AlertRule) == len(GUIDE_RUNBOOKS) - 1
    assert list(Runbook.objects.filter(is_fallback=True)) == [own]


@pytest.mark.django_db
def test_rules_of_the_guide_are_attached_and_open_incidents():
    assert set(Runbook.objects.exclude(rules=None).values_list("key", "rules__key")) == {
        ("cascade", "cascade"), ("security_incident_lockout", "lockout"),
    }  # fmt: skip
    assert set(AlertRule.objects.filter(opens_incident=True).values_list("key", flat=True)) == set(OPENS_INCIDENT)
