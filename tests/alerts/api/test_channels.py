"""Channels, which keep their secrets, and routes."""

import json
from typing import Any

import pytest
from django.core import mail

from alerts.channels.webhook import new_secret
from alerts.models import Channel, EscalationPolicy, Route
from alerts.sealing import unseal
from tests.alerts.api.conftest import fields_at_fault
from tests.alerts.receivers import Receiver
from tests.events.api.v1.conftest import Caller, queries
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
URL = "https://hooks.slack.com/services/T000/B000/abcdefghijklXy12"
KEY = "0123456789abcdef0123456789ABCDEF"


def test_a_secret_is_written_and_never_read(operator: Caller) -> None:
    made = operator.post("channels", {"name": "Pager", "kind": "pagerduty", "settings": {"routing_key": KEY}})

    assert made.status_code == 201, made.content
    channel = Channel.objects.get()
    assert unseal(channel.sealed_settings) == {"routing_key": KEY, "region": "us"}
    changed = operator.patch(f"channels/{channel.pk}", {"settings": {"region": "eu"}})
    for answer in (made, changed, operator.get("channels"), operator.get(f"channels/{channel.pk}")):
        assert KEY not in answer.content.decode()
        assert channel.sealed_settings not in answer.content.decode()
    assert changed.json()["settings"] == {"routing_key": "••••CDEF", "region": "eu"}
    channel.refresh_from_db()
    assert unseal(channel.sealed_settings) == {"routing_key": KEY, "region": "eu"}


@pytest.mark.parametrize(
    ("kind", "given", "shown"),
    [
        ("email", {"to": "ada@lift.example"}, {"to": "••••mple"}),
        ("slack", {"webhook_url": URL}, {"webhook_url": "••••Xy12"}),
        ("webhook", {"url": "https://a.example/hook", "secret": new_secret()}, {"url": "••••hook", "secret": "••••"}),
        (
            "alertmanager",
            {"url": "https://a.example/hook", "bearer_token": "very secret token"},
            {"url": "••••hook", "bearer_token": "••••", "receiver": "liftmon"},
        ),
        ("apprise", {"url": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"}, {"url": "••••V_js"}),
    ],
)
def test_each_kind_shows_too_little_to_be_used(
    operator: Caller, kind: str, given: dict[str, str], shown: dict[str, str]
) -> None:
    response = operator.post("channels", {"name": "One", "kind": kind, "settings": given})

    assert response.status_code == 201, response.content
    assert response.json()["settings"] == shown


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"settings": {"webhook_url": "https://elsewhere.example/secret"}}, ["settings.webhook_url"]),
        ({"settings": {"webhook_url": "https://hooks.slack.com/services/a b"}}, ["settings.webhook_url"]),
        ({"settings": {"url": URL}}, ["settings.url"]),
        ({"settings": {}}, ["settings.webhook_url"]),
        ({"settings": {"webhook_url": 7}}, ["settings"]),
        ({"settings": {"webhook_url": f"{URL}\x00"}}, ["settings"]),
        ({"settings": None}, ["settings"]),
        ({"kind": "pigeon"}, ["kind"]),
        ({"name": "Slack"}, ["name"]),
        ({"sealed_settings": "x"}, ["sealed_settings"]),
    ],
)
def test_settings_that_cannot_work_are_refused_and_not_repeated(
    channel: Channel, operator: Caller, changes: dict[str, Any], fields: list[str]
) -> None:
    response = operator.post("channels", {"name": "New", "kind": "slack", "settings": {"webhook_url": URL}, **changes})

    assert fields_at_fault(response) == fields
    assert "secret" not in json.dumps(response.json()).replace("sealed_settings", "")
    assert Channel.objects.count() == 1


def test_new_settings_are_not_tested_and_an_empty_one_is_taken_away(operator: Caller) -> None:
    settings = {"url": "https://a.example/hook", "bearer_token": "very secret token"}
    made = operator.post("channels", {"name": "AM", "kind": "alertmanager", "settings": settings}).json()
    Channel.objects.update(tested_at="2026-03-04T12:00:00Z", test_answer="Accepted (200)", disabled_reason="Gone.")

    kept = operator.patch(f"channels/{made['id']}", {"name": "Alertmanager", "is_enabled": True}).json()
    assert (kept["test_answer"], kept["disabled_reason"]) == ("Accepted (200)", "")

    found = operator.patch(f"channels/{made['id']}", {"settings": {"bearer_token": ""}}).json()
    assert (found["tested_at"], found["test_answer"]) == (None, "")
    assert "bearer_token" not in found["settings"]


def test_settings_that_no_key_opens_say_so_and_can_be_entered_again(channel: Channel, operator: Caller) -> None:
    Channel.objects.update(sealed_settings="gAAAA broken")

    found = operator.get(f"channels/{channel.pk}").json()
    assert (found["is_readable"], found["settings"]) == (False, {})
    answer = operator.post(f"channels/{channel.pk}/test").json()
    assert (answer["is_accepted"], answer["status"]) == (False, None)
    assert "cannot be decrypted" in answer["answer"]

    assert operator.patch(f"channels/{channel.pk}", {"settings": {"webhook_url": URL}}).json()["is_readable"] is True


def test_a_test_tells_the_true_answer(receiver: Receiver, operator: Caller) -> None:
    settings = {"url": f"{receiver.url}/hook", "secret": new_secret()}
    made = operator.post("channels", {"name": "Hook", "kind": "webhook", "settings": settings}).json()

    accepted = operator.post(f"channels/{made['id']}/test").json()
    receiver.answer(410, b"nobody lives here")
    refused = operator.post(f"channels/{made['id']}/test").json()

    assert (accepted["is_accepted"], accepted["status"], accepted["answer"]) == (True, 200, "ok")
    assert (refused["is_accepted"], refused["is_permanent"], refused["status"]) == (False, True, 410)
    assert refused["answer"] == "nobody lives here"
    assert receiver.received[0].json["type"] == "alert.test"
    assert "410" in operator.get(f"channels/{made['id']}").json()["test_answer"]


def test_a_test_reaches_no_address_of_this_network(stranger: Receiver, operator: Caller) -> None:
    settings = {"url": f"{stranger.url}/hook", "secret": new_secret()}
    made = operator.post("channels", {"name": "Hook", "kind": "webhook", "settings": settings}).json()

    answer = operator.post(f"channels/{made['id']}/test").json()

    assert (answer["is_accepted"], answer["status"], stranger.connections) == (False, None, 0)


def test_a_test_by_mail_arrives(operator: Caller) -> None:
    settings = {"to": "ada@lift.example"}
    made = operator.post("channels", {"name": "Mail", "kind": "email", "settings": settings}).json()

    assert operator.post(f"channels/{made['id']}/test").json()["is_accepted"] is True
    assert [one.to for one in mail.outbox] == [["ada@lift.example"]]


def test_the_lists_cost_the_same_however_long_they_are(channel: Channel, reader: Caller, sender: Sender) -> None:
    reader.get("channels")
    for number in range(5):
        Channel.objects.create(name=str(number), kind="slack", sealed_settings=channel.sealed_settings)
        Route.objects.create(name=str(number), service=sender.service).channels.set(Channel.objects.all())
    for address, budget in (("channels", 5), ("routes", 6)):
        with queries() as asked:
            assert len(reader.get(address).json()["results"]) >= 5
        assert len(asked) <= budget, asked


class TestRoutes:
    def test_a_route_names_who_is_told_next(self, operator: Caller) -> None:
        policy = EscalationPolicy.objects.create(name="Whoever is on call")

        made = operator.post("routes", {"name": "Pay", "policy": policy.pk}).json()

        assert made["policy"] == {"id": policy.pk, "name": "Whoever is on call"}
        assert operator.patch(f"routes/{made['id']}", {"policy": None}).json()["policy"] is None
        assert fields_at_fault(operator.patch(f"routes/{made['id']}", {"policy": policy.pk + 1})) == ["policy"]

    def test_a_route_is_made_changed_and_deleted(self, channel: Channel, operator: Caller, sender: Sender) -> None:
        wanted = {"name": "Payments", "position": 15, "severities": ["critical"], "labels": {"endpoint": "/api/pay*"}}
        made = operator.post("routes", {**wanted, "channels": [channel.pk, channel.pk], "service": "lift-api"})

        assert made.status_code == 201, made.content
        assert {name: made.json()[name] for name in wanted} == wanted
        assert made.json()["channels"] == [{"id": channel.pk, "name": "Slack"}]
        address = f"routes/{made.json()['id']}"
        changed = operator.patch(address, {"goes_on": True, "channels": [], "service": None}).json()
        assert (changed["goes_on"], changed["channels"], changed["service"]) == (True, [], None)
        assert changed["labels"] == {"endpoint": "/api/pay*"}
        assert operator.get(address).json() == changed
        assert operator.delete(address).status_code == 204
        assert not Route.objects.exists()

    def test_they_are_listed_as_they_are_tried(self, operator: Caller) -> None:
        for position in (30, 10, 20):
            operator.post("routes", {"name": str(position), "position": position})

        first = operator.get("routes", limit=2).json()
        rest = operator.get(first["next"]).json()
        assert [one["position"] for one in first["results"] + rest["results"]] == [10, 20, 30]

    @pytest.mark.parametrize(
        ("changes", "fields"),
        [
            ({"channels": [987654]}, ["channels"]),
            ({"channels": ["1"]}, ["channels"]),
            ({"channels": 1}, ["channels"]),
            ({"labels": {"weather": "rain"}}, ["labels.weather"]),
            ({"severities": ["bad"]}, ["severities"]),
            ({"position": -1}, ["position"]),
            ({"position": 2**31}, ["position"]),
            ({"service": "gone"}, ["service"]),
            ({"name": 7}, ["name"]),
        ],
    )
    def test_one_that_leads_nowhere_is_refused(
        self, operator: Caller, changes: dict[str, Any], fields: list[str]
    ) -> None:
        assert fields_at_fault(operator.post("routes", {"name": "New", **changes})) == fields
        assert not Route.objects.exists()
