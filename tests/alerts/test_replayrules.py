"""`manage.py replayrules` says what the dry run says."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from alerts.models import AlertRule
from alerts.replaying.replay import replay
from tests.alerts.test_evaluation import make_rule, pool_error
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _only_own_rules(db: None) -> None:
    AlertRule.objects.all().delete()


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("replayrules", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def stored(sender: Sender, count: int, **ago: int) -> None:
    at = timezone.now() - timedelta(**ago)
    sender.store(*(pool_error(timestamp=at.isoformat()) for _ in range(count)), at=at)


def fill(sender: Sender) -> AlertRule:
    stored(sender, 6, days=5)
    stored(sender, 7, hours=20)
    return make_rule("threshold", parameters={"limit": 5, "window_seconds": 300}, group_by=["name"], recover_seconds=60)


def test_it_tells_each_rule_in_words(sender: Sender) -> None:
    rule = fill(sender)
    text = said("--since", "14d")

    assert f"Rule (rule {rule.pk})" in text
    assert "Would have fired twice in the last 14 days: " in text
    assert text.count("db_pool_error: ") == 2


def test_json_has_every_alert_of_the_replay(sender: Sender) -> None:
    rule = fill(sender)
    (told,) = json.loads(said("--json", "--rule", str(rule.pk), "--since", "2w"))

    until = timezone.now()
    found = replay(rule, since=until - timedelta(days=14), until=until)
    assert [(one["labels"], one["fired_at"], one["resolved_at"]) for one in told["alerts"]] == [
        (dict(one.labels), one.fired_at.isoformat(), one.resolved_at.isoformat())
        for one in found.alerts
        if one.fired_at and one.resolved_at
    ]
    assert told["fired"] == 2


def test_it_says_what_the_dry_run_says(sender: Sender, admin_client: Client) -> None:
    fill(sender)
    (told,) = json.loads(said("--json"))
    fields = {
        "condition": "threshold", "severity": "error", "threshold__limit": "5", "threshold__window_seconds": "5 min",
        "group_by": "name", "for_seconds": "0", "recover_seconds": "1 min", "group_wait_seconds": "0", "repeat_seconds": "4 h",
    }  # fmt: skip
    response: Any = admin_client.post("/admin/alerts/alertrule/dry-run/", fields)

    found = response.context_data["found"]
    assert response.context_data["sentence"] == told["sentence"]
    assert [one.fired_at.isoformat() for one in found.alerts] == [one["fired_at"] for one in told["alerts"]]
    assert [one.resolved_at.isoformat() for one in found.alerts] == [one["resolved_at"] for one in told["alerts"]]


def test_rules_that_are_off_are_left_out_unless_named(sender: Sender) -> None:
    rule = make_rule("threshold", parameters={"limit": 5, "window_seconds": 300}, is_enabled=False)
    assert "There is no rule that is enabled." in said()
    assert f"(rule {rule.pk})" in said("--rule", str(rule.pk))


def test_a_rule_of_a_later_version_is_told_as_such() -> None:
    AlertRule.objects.create(name="x", severity="error", condition="threshold", parameters={"moon": "full"})
    assert "Not judged: There is no parameter 'moon'." in said()


@pytest.mark.parametrize(
    "arguments", [("--since", "14"), ("--since", "0d"), ("--since", "1000d"), ("--rule", "987654")]
)
def test_it_says_what_it_cannot_read(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        said(*arguments)
