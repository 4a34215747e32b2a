"""Slack by a bot's token, with a real server that speaks like Slack's API."""

import json
from typing import Any
from uuid import uuid4

import pytest

from alerts.channels import slack
from alerts.channels.kinds import KINDS
from alerts.channels.message import AlertMessage, MessageKind
from alerts.channels.outcome import Outcome, SettingsError
from alerts.channels.slack_blocks import read_action
from tests.alerts.messages import a_message, a_storm, resolved
from tests.alerts.receivers import Receiver

TOKEN = "xoxb-1111-2222-abcdefgh"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
RECEIPT = {"channel": "C024BE91L", "ts": "1405894322.002768"}
ACCEPTED = {"ok": True, **RECEIPT, "message": {"text": "x" * 5000}}


def settings_of(receiver: Receiver, **more: str) -> dict[str, str]:
    return slack.validated({"token": TOKEN, "channel": "C024BE91L", "url": f"{receiver.url}/api/", **more})


def says(receiver: Receiver, *answers: dict[str, Any]) -> None:
    receiver.answers = [(200, {"Content-Type": "application/json"}, json.dumps(one).encode()) for one in answers]


def change(receiver: Receiver, message: AlertMessage) -> Outcome:
    return slack.change(settings_of(receiver), message, key=uuid4(), receipt=RECEIPT)


def test_it_posts_to_the_channel_and_keeps_what_slack_calls_the_message(receiver: Receiver) -> None:
    says(receiver, ACCEPTED)

    outcome = slack.send(settings_of(receiver), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.status, outcome.receipt) == (True, 200, RECEIPT)
    (got,) = receiver.received
    assert (got.path, got.headers["authorization"]) == ("/api/chat.postMessage", f"Bearer {TOKEN}")
    assert got.headers["content-type"] == "application/json; charset=utf-8"
    assert got.json["channel"] == "C024BE91L"
    assert got.json["blocks"][0]["type"] == "header"


def test_a_change_takes_the_place_of_what_was_said(receiver: Receiver) -> None:
    says(receiver, ACCEPTED)
    message = a_message(kind=MessageKind.CHANGED, acknowledged="03:12 UTC. By Ada (U1) in Slack.")

    outcome = change(receiver, message)

    assert outcome.is_accepted
    (got,) = receiver.received
    assert got.path == "/api/chat.update"
    assert {name: got.json[name] for name in RECEIPT} == RECEIPT
    assert "👀 Acknowledged: Critical: Checkout fails" in got.json["blocks"][0]["text"]["text"]
    assert "By Ada (U1) in Slack." in json.dumps(got.json["blocks"])


def test_its_end_is_told_in_the_thread_too(receiver: Receiver) -> None:
    says(receiver, ACCEPTED)

    outcome = change(receiver, resolved())

    assert outcome.is_accepted
    update, reply = receiver.received
    assert (update.path, reply.path) == ("/api/chat.update", "/api/chat.postMessage")
    assert reply.json["thread_ts"] == RECEIPT["ts"]
    assert "Resolved: Critical: Checkout fails" in reply.json["text"]
    assert "reply_broadcast" not in reply.json


def test_a_reminder_is_heard_in_the_channel(receiver: Receiver) -> None:
    says(receiver, ACCEPTED)

    change(receiver, a_message(kind=MessageKind.REPEAT))

    assert receiver.received[1].json["reply_broadcast"] is True


def test_what_was_deleted_is_told_anew(receiver: Receiver) -> None:
    says(receiver, {"ok": False, "error": "message_not_found"}, {**ACCEPTED, "ts": "2.0"})

    outcome = change(receiver, resolved())

    assert outcome.receipt == {**RECEIPT, "ts": "2.0"}
    assert [got.path for got in receiver.received] == ["/api/chat.update", "/api/chat.postMessage"]
    assert "thread_ts" not in receiver.received[1].json


def test_nothing_is_told_anew_when_only_somebody_acknowledged(receiver: Receiver) -> None:
    says(receiver, {"ok": False, "error": "message_not_found"})

    assert change(receiver, a_message(kind=MessageKind.CHANGED)).is_accepted
    assert len(receiver.received) == 1
    nothing = slack.change(settings_of(receiver), a_message(kind=MessageKind.CHANGED), key=uuid4(), receipt={})
    assert nothing.is_accepted
    assert len(receiver.received) == 1


def test_a_reply_that_failed_for_now_is_tried_again(receiver: Receiver) -> None:
    says(receiver, ACCEPTED, {"ok": False, "error": "internal_error"})

    outcome = change(receiver, resolved())

    assert (outcome.is_accepted, outcome.is_permanent) == (False, False)


def test_a_reply_that_slack_never_takes_is_let_go(receiver: Receiver) -> None:
    says(receiver, ACCEPTED, {"ok": False, "error": "restricted_action"})

    assert change(receiver, resolved()).is_accepted


@pytest.mark.parametrize(
    ("error", "is_permanent", "fix"),
    [
        ("channel_not_found", True, "Enter the ID of the channel"), ("not_in_channel", False, "Invite the app"),
        ("invalid_auth", True, "enter its bot token"), ("is_archived", True, "archived"),
        ("missing_scope", True, "chat:write"), ("internal_error", False, "internal_error"), ("odd", False, "odd"),
    ],
)  # fmt: skip
def test_an_error_says_what_to_do(receiver: Receiver, error: str, is_permanent: bool, fix: str) -> None:
    says(receiver, {"ok": False, "error": error})

    outcome = slack.send(settings_of(receiver), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.is_permanent, outcome.status) == (False, is_permanent, 200)
    assert outcome.answer.startswith(error)
    assert fix in outcome.answer


def test_it_waits_as_long_as_slack_asks(receiver: Receiver) -> None:
    receiver.answer(429, b'{"ok": false, "error": "ratelimited"}', Retry_After="30")

    outcome = slack.send(settings_of(receiver), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.is_permanent, outcome.retry_after_seconds) == (False, False, 30)


@pytest.mark.parametrize("status", [200, 502])
def test_what_is_no_answer_of_the_api_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.answer(status, f"<html>{TOKEN}</html>".encode())

    outcome = slack.send(settings_of(receiver), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.is_permanent, outcome.status) == (False, False, status)
    assert TOKEN not in outcome.answer


def test_buttons_stand_where_a_signing_secret_lets_them_act(receiver: Receiver) -> None:
    says(receiver, ACCEPTED)
    message = a_message(alert_id="17")
    for settings in (settings_of(receiver, signing_secret=SECRET), settings_of(receiver)):
        slack.send(settings, message, key=uuid4())

    with_secret, without = (_buttons(got.json) for got in receiver.received)
    assert [one["action_id"] for one in with_secret if "url" not in one] == ["acknowledge-17", "resolve-17", "mute-17"]
    # What a button does needs no link.
    assert "Acknowledge" not in [one["text"]["text"] for one in with_secret if "url" in one]
    assert all("url" in one for one in without)
    assert len({one["action_id"] for one in with_secret}) == len(with_secret)


@pytest.mark.parametrize(
    ("message", "acts"),
    [
        (resolved(alert_id="17"), []),
        (a_message(alert_id="test-3", kind=MessageKind.TEST), []),
        (a_storm(), []),
        (a_message(alert_id="17", kind=MessageKind.CHANGED, acknowledged="03:12 UTC"), ["resolve-17", "mute-17"]),
        (a_message(alert_id="17", kind=MessageKind.CHANGED, muted="Silenced"), ["acknowledge-17", "resolve-17"]),
    ],
    ids=["over", "test", "storm", "acknowledged", "muted"],
)
def test_there_are_buttons_for_what_can_be_done(receiver: Receiver, message: AlertMessage, acts: list[str]) -> None:
    says(receiver, ACCEPTED)

    slack.send(settings_of(receiver, signing_secret=SECRET), message, key=uuid4())

    assert [one["action_id"] for one in _buttons(receiver.received[0].json) if "url" not in one] == acts


def _buttons(said: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for block in said["blocks"] if block["type"] == "actions" for one in block["elements"]]


@pytest.mark.parametrize(
    ("action_id", "read"),
    [
        ("acknowledge-17", ("acknowledge", 17)), ("mute-1", ("mute", 1)), ("link-0", None), ("resolve-", None),
        ("resolve--1", None), ("resolve-٣", None), ("delete-1", None), ("resolve-" + "9" * 30, None),
    ],
)  # fmt: skip
def test_only_our_buttons_ask_for_something(action_id: str, read: tuple[str, int] | None) -> None:
    assert read_action(action_id) == read


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"token": TOKEN}, "channel"),
        ({"channel": "C1"}, "token"),
        ({"url": "https://slack.example/api"}, "url"),
        ({"signing_secret": SECRET, "webhook_url": "https://hooks.slack.com/services/T/B/X"}, "signing_secret"),
        ({"token": "xoxp-1", "channel": "C1"}, "token"),
        ({"token": f"{TOKEN}\nX: y", "channel": "C1"}, "token"),
        ({"token": TOKEN, "channel": "two channels"}, "channel"),
        ({"token": TOKEN, "channel": "C1", "signing_secret": "short"}, "signing_secret"),
        ({"token": TOKEN, "channel": "C1", "url": "ftp://slack.example"}, "url"),
        ({"token": TOKEN, "channel": "C1", "webhook_url": "https://hooks.slack.com/services/T/B/X"}, "webhook_url"),
    ],
)
def test_settings_that_cannot_work_name_the_field(given: dict[str, str], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        slack.validated(given)

    assert caught.value.field == field
    assert TOKEN not in str(caught.value)


def test_a_token_is_masked_by_its_end() -> None:
    assert KINDS["slack"].masked({"token": TOKEN}) == "slack ••••efgh"
