"""Whom an incident hurt, handed to a webhook that checks who it comes from."""

from typing import Any

import pytest
from django.utils import timezone

from alerts.channels.webhook import new_secret, signed_headers
from alerts.incidents import audience
from alerts.incidents.audience import AudienceError, audience_of, hand_over
from alerts.models import Channel, Incident
from events import rollups
from tests.alerts.incidents.making import make_incident, said
from tests.alerts.receivers import Receiver
from tests.alerts.sending import make_channel
from tests.events.conftest import Sender
from tests.events.conftest import _fresh_process as _fresh_process
from tests.events.conftest import sender as sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(sender: Sender) -> Incident:
    """Three users met a failure of its service; another one met none."""
    for number in range(3):
        sender.store(
            {"event": "api_timeout", "data": {"severity": "ERROR", "endpoint": "/api/pay", "user_id": f"u-{number}"}}
        )
    sender.store({"event": "feature_used", "data": {"user_id": "u-happy"}})
    return make_incident(service=sender.service)


def webhook(receiver: Receiver, secret: str) -> Channel:
    return make_channel("webhook", "Mailing tool", url=f"{receiver.url}/users", secret=secret)


@pytest.mark.parametrize("is_folded", [False, True])
def test_it_is_those_who_met_a_failure(incident: Incident, is_folded: bool) -> None:
    if is_folded:
        rollups.compact()

    found = audience_of(incident, now=timezone.now())

    assert len(found.hashes) == 3
    assert list(found.hashes) == sorted(set(found.hashes))
    assert all(len(one) == 32 for one in found.hashes)


def test_a_file_has_a_line_a_hash(incident: Incident) -> None:
    found = audience_of(incident, now=timezone.now())

    assert "".join(audience.as_csv(found)).split("\r\n") == ["user_hash", *found.hashes, ""]


def test_a_webhook_gets_it_signed_in_parts(
    incident: Incident, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, admin_user: Any
) -> None:
    monkeypatch.setattr(audience, "PART", 2)
    secret = new_secret()
    found = audience_of(incident, now=timezone.now())

    told = hand_over(found, webhook(receiver, secret), by=admin_user, at=timezone.now())

    first, second = receiver.received
    assert [one.json["data"]["part"] for one in (first, second)] == [1, 2]
    assert first.json["type"] == "incident.audience"
    assert first.json["data"]["parts"] == 2
    assert first.json["data"]["user_hashes"] + second.json["data"]["user_hashes"] == list(found.hashes)
    assert first.headers["webhook-id"] != second.headers["webhook-id"]
    number, stamp = first.headers["webhook-id"], int(first.headers["webhook-timestamp"])
    expected = signed_headers(number, stamp, first.body, [secret])
    assert first.headers["webhook-signature"] == expected["webhook-signature"]
    assert told == "The hashes of 3 users were handed to Mailing tool, to tell them."
    assert said(incident, "status") == [told]


def test_a_refusal_is_told_and_noted(incident: Incident, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "PART", 2)
    receiver.answers = [(200, {}, b"ok"), (500, {}, b"broken")]

    with pytest.raises(AudienceError, match=r"did not take the hashes of 3 users \(500\): broken"):
        hand_over(
            audience_of(incident, now=timezone.now()), webhook(receiver, new_secret()), by=None, at=timezone.now()
        )

    assert said(incident, "status")[0].endswith("1 of 2 parts were taken before.")


@pytest.mark.parametrize("reason", ["kind", "off", "nobody", "many"])
def test_what_cannot_be_handed_over_is_said(
    incident: Incident, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    channel = webhook(receiver, new_secret())
    if reason == "kind":
        channel = make_channel("email", to="a@team.example")
    channel.is_enabled = reason != "off"
    if reason == "many":
        monkeypatch.setattr(audience, "MOST_SENT", 2)
    found = audience_of(make_incident("None", service=None) if reason == "nobody" else incident, now=timezone.now())

    with pytest.raises(AudienceError):
        hand_over(found, channel, by=None, at=timezone.now())

    assert receiver.received == []
