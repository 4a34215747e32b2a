"""Silences and windows of maintenance."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from alerts.models import Alert, Channel, MaintenanceWindow, Silence
from alerts.outbox import telling
from tests.alerts.api.conftest import fields_at_fault, make_notification
from tests.events.api.v1.conftest import Caller, queries
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
HOUR = {"seconds": 3600}


def silence(**changes: Any) -> dict[str, Any]:
    return {"matchers": {"ai_provider": "open*"}, "reason": "They know.", **HOUR, **changes}


def states(caller: Caller, address: str, **filters: str) -> list[str]:
    return [row["state"] for row in caller.get(address, **filters).json()["results"]]


def test_a_silence_mutes_what_waits_until_it_is_ended(alert: Alert, channel: Channel, operator: Caller) -> None:
    waiting = make_notification(channel, alert)

    made = operator.post("silences", silence())

    assert made.status_code == 201, made.content
    assert (made.json()["state"], made.json()["author"]) == ("running", "ada")
    waiting.refresh_from_db()
    assert (waiting.state, telling.why_muted(alert, at=timezone.now())[:8]) == ("muted", "Silenced")

    ended = operator.post(f"silences/{made.json()['id']}/end").json()

    assert ended["state"] == "ended"
    assert telling.why_muted(alert, at=timezone.now()) == ""
    assert [entry["text"][:9] for entry in operator.get(f"alerts/{alert.pk}").json()["timeline"]][:2] == [
        "No longer",
        "Silenced ",
    ]
    assert operator.post(f"silences/{made.json()['id']}/end").json()["code"] == "ended_already"


def test_one_that_does_not_match_mutes_nothing(alert: Alert, channel: Channel, operator: Caller) -> None:
    waiting = make_notification(channel, alert)

    operator.post("silences", silence(matchers={"ai_provider": "openai", "severity": "critical"}))

    waiting.refresh_from_db()
    assert waiting.state == "waiting"


def test_one_that_is_yet_to_begin_is_taken_away(operator: Caller) -> None:
    later = (timezone.now() + timedelta(hours=2)).isoformat()
    made = operator.post("silences", silence(starts_at=later)).json()
    assert made["state"] == "upcoming"

    assert operator.post(f"silences/{made['id']}/end").json()["state"] == "ended"

    assert not Silence.objects.exists()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"matchers": {}}, ["matchers"]),
        ({"matchers": {"provider": "x"}}, ["matchers.provider"]),
        ({"matchers": {"rule": 12}}, ["matchers"]),
        ({"matchers": {"": "x"}}, ["matchers"]),
        ({"matchers": {"rule\x00": "x"}}, ["matchers"]),
        ({"matchers": ["rule"]}, ["matchers"]),
        ({"matchers": None}, ["matchers"]),
        ({"reason": " " * 301}, ["reason"]),
        ({"ends_at": "2030-01-01T00:00:00Z"}, ["ends_at"]),
        ({"starts_at": "tomorrow"}, ["starts_at"]),
        ({"starts_at": 7}, ["starts_at"]),
        ({"starts_at": "2020-01-01T00:00:00Z"}, ["ends_at"]),
    ],
)
def test_one_that_would_mute_nothing_or_never_end_is_refused(
    operator: Caller, changes: dict[str, Any], fields: list[str]
) -> None:
    assert fields_at_fault(operator.post("silences", silence(**changes))) == fields
    assert not Silence.objects.exists()


def test_it_must_end_some_time(operator: Caller) -> None:
    assert fields_at_fault(operator.post("silences", {"matchers": {"rule": "1"}, "reason": "x"})) == ["ends_at"]


@pytest.mark.parametrize("address", ["silences", "maintenance-windows"])
def test_the_state_narrows_the_list_at_a_fixed_cost(operator: Caller, address: str) -> None:
    now, model = timezone.now(), Silence if address == "silences" else MaintenanceWindow
    named: dict[str, Any] = {"matchers": {"rule": "1"}, "reason": "x"} if model is Silence else {"name": "Release"}
    for hours in (-5, -1, 5):
        model.objects.create(
            starts_at=now + timedelta(hours=hours),
            ends_at=now + timedelta(hours=hours + 2),
            author=operator.person,
            **named,
        )

    assert states(operator, address) == ["upcoming", "running", "ended"]
    assert states(operator, address, state="running,ended") == ["running", "ended"]
    with queries() as asked:
        operator.get(address)
    assert len(asked) <= 5, asked


def test_a_script_that_deploys_begins_and_ends_maintenance(
    sender: Sender, alert: Alert, channel: Channel, operator: Caller
) -> None:
    Alert.objects.update(labels={"service": str(sender.service.pk)})
    alert.refresh_from_db()
    waiting = make_notification(channel, alert)

    made = operator.post("maintenance-windows", {"name": "Release", "service": "lift-api", "seconds": 900})

    assert made.status_code == 201, made.content
    assert made.json()["service"]["slug"] == "lift-api"
    waiting.refresh_from_db()
    assert (waiting.state, waiting.reason) == ("muted", "Maintenance: Release")

    assert operator.post(f"maintenance-windows/{made.json()['id']}/end").json()["state"] == "ended"
    assert telling.why_muted(alert, at=timezone.now()) == ""


def test_maintenance_of_everything_mutes_every_service(alert: Alert, operator: Caller) -> None:
    operator.post("maintenance-windows", {"name": "Move", "ends_at": "2100-01-01T00:00:00+01:00"})

    assert telling.why_muted(alert, at=timezone.now()) == "Maintenance: Move"


def test_maintenance_of_a_service_that_is_not_there_is_refused(operator: Caller) -> None:
    wanted = {"name": "Move", "service": "gone", "seconds": 900}

    assert fields_at_fault(operator.post("maintenance-windows", wanted)) == ["service"]
