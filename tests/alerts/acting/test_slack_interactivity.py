"""Buttons that were pressed in Slack: signed as Slack signs, acting once, and shown in the message."""

import hashlib
import hmac
import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from alerts import delivery
from alerts.acting import slack_interactivity
from alerts.models import Alert, AlertEntry, AlertRule, Channel, Notification, Route, Silence, SlackRequest
from tests.alerts.receivers import Receiver
from tests.alerts.sending import fire, make_rule, route, slack_bot

pytestmark = pytest.mark.django_db
SECRET, OTHER = "8f742231b10e8888abcd99yyyzzz85a5", "1234567890abcdef1234567890abcdef"
URL = "/alerts/slack/interactivity/"


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def channel(receiver: Receiver) -> Channel:
    AlertRule.objects.all().delete()
    Route.objects.all().delete()
    # Another app's channel comes first, and one by a webhook has no secret.
    slack_bot(receiver, "Other", signing_secret=OTHER)
    made = slack_bot(receiver, "Slack", signing_secret=SECRET)
    route(made)
    receiver.answer(200, b'{"ok": true, "channel": "C1", "ts": "1.0"}')
    return made


@pytest.fixture
def alert(channel: Channel) -> Alert:
    made = fire(make_rule())
    delivery.deliver(channel.pk)
    return made


def pressed(*action_ids: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "block_actions", "user": {"id": "U024", "username": "ada", "name": "Ada Lovelace"},
        "team": {"id": "T1"}, "channel": {"id": "C1"},
        "actions": [{"type": "button", "action_id": one} for one in action_ids], **more,
    }  # fmt: skip


def post(
    client: Client,
    payload: Any,
    *,
    secret: str = SECRET,
    at: float | None = None,
    body: bytes | None = None,
    **more: str,
) -> Any:
    timestamp = str(int(time.time() if at is None else at))
    body = urlencode({"payload": json.dumps(payload)}).encode() if body is None else body
    # Written down anew here, as Slack documents it.
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}", **more}
    return client.post(URL, body, content_type="application/x-www-form-urlencoded", headers=headers)


class TestActing:
    def test_acknowledging_stops_the_pages_and_shows_in_the_message(
        self, client: Client, alert: Alert, channel: Channel, receiver: Receiver
    ) -> None:
        answer = post(client, pressed(f"acknowledge-{alert.pk}"))

        assert (answer.status_code, answer.content, bool(answer.cookies)) == (200, b"", False)
        alert.refresh_from_db()
        assert alert.acknowledged_at is not None
        assert AlertEntry.objects.get(kind="acknowledged").text == "By Ada Lovelace (U024) in Slack."
        assert delivery.deliver(channel.pk) == 1
        changed = receiver.received[-1]
        assert (changed.path, changed.json["ts"]) == ("/chat.update", "1.0")
        blocks = json.dumps(changed.json["blocks"], ensure_ascii=False)
        assert "By Ada Lovelace (U024) in Slack." in blocks
        assert f"acknowledge-{alert.pk}" not in blocks

    def test_resolving_ends_it(self, client: Client, alert: Alert, channel: Channel, receiver: Receiver) -> None:
        assert post(client, pressed(f"resolve-{alert.pk}")).status_code == 200

        alert.refresh_from_db()
        assert alert.state == "resolved"
        assert AlertEntry.objects.get(kind="resolved").text == "By Ada Lovelace (U024) in Slack."
        delivery.deliver(channel.pk)
        assert [got.path for got in receiver.received[1:]] == ["/chat.update", "/chat.postMessage"]

    def test_muting_silences_for_an_hour(self, client: Client, alert: Alert) -> None:
        assert post(client, pressed(f"mute-{alert.pk}")).status_code == 200

        silence = Silence.objects.get()
        assert silence.ends_at - silence.starts_at == timedelta(hours=1)
        assert "By Ada Lovelace (U024) in Slack." in AlertEntry.objects.get(kind="noted").text

    def test_the_buttons_that_it_sends_are_those_that_it_takes(
        self, client: Client, alert: Alert, receiver: Receiver
    ) -> None:
        buttons = [one for block in receiver.received[0].json["blocks"] for one in block.get("elements", [])]
        ids = [one["action_id"] for one in buttons if "value" in one]

        assert len(ids) == 3
        assert all(post(client, pressed(one)).status_code == 200 for one in ids)
        alert.refresh_from_db()
        assert (alert.state, alert.acknowledged_at is not None, Silence.objects.count()) == ("resolved", True, 1)

    def test_a_link_that_was_followed_asks_for_nothing(self, client: Client, alert: Alert) -> None:
        assert post(client, pressed("link-0")).status_code == 200
        assert post(client, {"type": "view_closed"}).status_code == 200

        alert.refresh_from_db()
        assert (alert.state, alert.acknowledged_at) == ("firing", None)


class TestRefusing:
    def test_a_signature_by_another_secret(self, client: Client, alert: Alert) -> None:
        assert post(client, pressed(f"resolve-{alert.pk}"), secret="x" * 32).status_code == 401

        assert client.post(URL, b"payload={}", content_type="application/x-www-form-urlencoded").status_code == 401
        alert.refresh_from_db()
        assert alert.state == "firing"

    def test_a_body_that_was_changed(self, client: Client, alert: Alert) -> None:
        answer = post(client, pressed("x"), **{"X-Slack-Signature": "v0=ü"})

        assert answer.status_code == 401

    @pytest.mark.parametrize("seconds", [-301, 301])
    def test_one_that_is_too_old_or_from_the_future(
        self, client: Client, alert: Alert, monkeypatch: pytest.MonkeyPatch, seconds: int
    ) -> None:
        now = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: now)

        answer = post(client, pressed(f"resolve-{alert.pk}"), at=now.timestamp() + seconds + (seconds > 0))

        assert (answer.status_code, b"too old" in answer.content) == (401, True)

    def test_one_that_is_sent_again(self, client: Client, alert: Alert) -> None:
        at = time.time()
        answers = [post(client, pressed(f"mute-{alert.pk}"), at=at).status_code for _ in range(2)]

        assert answers == [200, 409]
        assert Silence.objects.count() == 1

    def test_what_was_refused_for_its_alert_may_be_sent_again(self, client: Client, alert: Alert) -> None:
        at, payload = time.time(), pressed(f"mute-{alert.pk + 1}")

        assert [post(client, payload, at=at).status_code for _ in range(2)] == [404, 404]
        assert not SlackRequest.objects.exists()

    def test_an_alert_that_was_told_to_others(self, client: Client, alert: Alert) -> None:
        assert post(client, pressed(f"resolve-{alert.pk}"), secret=OTHER).status_code == 404

        alert.refresh_from_db()
        assert alert.state == "firing"

    @pytest.mark.parametrize(
        "body",
        [b"", b"payload=", b"payload=[1]", b"payload={", b"payload={}&payload={}", b"\xff", b"payload=" + b"[" * 9999],
    )
    def test_what_cannot_be_read(self, client: Client, channel: Channel, body: bytes) -> None:
        assert post(client, None, body=body).status_code == 400

    def test_what_is_too_large(self, client: Client, channel: Channel) -> None:
        body = b"payload=" + b"x" * slack_interactivity.MOST_BYTES

        assert post(client, None, body=body).status_code == 413

    def test_other_methods(self, client: Client) -> None:
        assert client.get(URL).status_code == 405

    @pytest.mark.parametrize("actions", [None, 1, [1], [{"action_id": 7}], [{}]])
    def test_odd_payloads_do_nothing(self, client: Client, alert: Alert, actions: Any) -> None:
        assert post(client, {**pressed(), "actions": actions, "user": 3}).status_code == 200


def test_signatures_are_kept_for_as_long_as_they_would_be_taken(client: Client, alert: Alert) -> None:
    SlackRequest.objects.create(signature="old", at=timezone.now() - timedelta(minutes=11))
    SlackRequest.objects.create(signature="new", at=timezone.now() - timedelta(minutes=9))

    post(client, pressed(f"acknowledge-{alert.pk}"))

    assert "new" in SlackRequest.objects.values_list("signature", flat=True)
    assert not SlackRequest.objects.filter(signature="old").exists()
    assert Notification.objects.filter(kind="changed").count() == 1


def test_a_press_takes_few_queries(client: Client, alert: Alert, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(25):
        post(client, pressed(f"acknowledge-{alert.pk}"))
