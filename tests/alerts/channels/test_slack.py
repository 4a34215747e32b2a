from typing import Any
from uuid import uuid4

import pytest

from alerts.channels import slack
from alerts.channels.outcome import SettingsError
from tests.alerts.messages import a_message
from tests.alerts.receivers import Receiver, stop

PATH = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"


def settings_of(receiver: Receiver) -> dict[str, str]:
    return slack.validated({"webhook_url": receiver.url + PATH})


def test_it_posts_blocks_to_the_webhook(receiver: Receiver) -> None:
    outcome = slack.send(settings_of(receiver), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.status, outcome.answer) == (True, 200, "ok")
    (got,) = receiver.received
    assert (got.path, got.headers["content-type"]) == (PATH, "application/json")
    assert got.json["blocks"][0]["type"] == "header"
    assert got.json["text"]


@pytest.mark.parametrize(
    ("status", "body", "is_permanent"),
    [
        (400, b"invalid_payload", False), (403, b"action_prohibited", True), (404, b"no_service", True),
        (410, b"channel_is_archived", True), (500, b"rollup_error", False), (503, b"", False),
    ],
)  # fmt: skip
def test_it_knows_what_is_for_good(receiver: Receiver, status: int, body: bytes, is_permanent: bool) -> None:
    receiver.answer(status, body)

    outcome = slack.send(settings_of(receiver), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.is_permanent, outcome.status) == (False, is_permanent, status)
    assert outcome.answer == body.decode()


def test_it_is_told_to_wait(receiver: Receiver) -> None:
    receiver.answer(429, b"rate_limited", Retry_After="30")

    outcome = slack.send(settings_of(receiver), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.is_permanent, outcome.retry_after_seconds) == (False, False, 30)


def test_the_secret_is_in_no_answer(receiver: Receiver) -> None:
    receiver.answer(500, f"cannot POST {PATH} at {receiver.url}{PATH}".encode())
    settings = settings_of(receiver)
    echoed = slack.send(settings, a_message(), key=uuid4())
    stop(receiver)
    gone = slack.send(settings, a_message(), key=uuid4())

    assert "XXXX" not in echoed.answer
    assert "XXXX" not in gone.answer
    assert (gone.is_accepted, gone.is_permanent, gone.status) == (False, False, None)
    assert "refused the connection" in gone.answer


def test_an_address_that_may_not_be_reached_is_an_outcome(stranger: Receiver) -> None:
    outcome = slack.send({"webhook_url": stranger.url + PATH}, a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.status) == (False, None)
    assert "LIFTMON_OUTBOUND_ALLOWED_HOSTS" in outcome.answer
    assert stranger.connections == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "webhook_url"),
        ({"webhook_url": "  "}, "webhook_url"),
        ({"webhook_url": "hooks.slack.com/services/T/B/X"}, "webhook_url"),
        ({"webhook_url": "http://hooks.slack.com/services/T/B/X"}, "webhook_url"),
        ({"webhook_url": "https://hooks.slack.com.evil.example/services/T/B/X"}, "webhook_url"),
        ({"webhook_url": "https://hooks.slack.com/workflows/T"}, "webhook_url"),
        ({"webhook_url": "https://hooks.slack.com/services/T/B/X", "room": "#a"}, "room"),
    ],
)
def test_settings_that_cannot_work_name_the_field(given: dict[str, str], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        slack.validated(given)

    assert caught.value.field == field
    assert "T/B/X" not in str(caught.value)


def test_slacks_own_urls_are_taken(settings: Any) -> None:
    url = "https://hooks.slack.com/services/T/B/X"

    assert slack.validated({"webhook_url": f" {url}\n"}) == {"webhook_url": url}
