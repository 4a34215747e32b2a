import base64
import hashlib
import hmac
import subprocess
import time
from uuid import uuid4

import pytest

from alerts.channels import webhook
from alerts.channels.outcome import SettingsError
from tests.alerts.messages import a_message, a_storm, resolved
from tests.alerts.receivers import Received, Receiver

NEW = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLD = "whsec_" + base64.b64encode(bytes(range(100, 124))).decode()


def verified(got: Received, secret: str) -> bool:
    """As the receiver does it, by the words of the specification."""
    assert abs(time.time() - int(got.headers["webhook-timestamp"])) < 60
    signed = b".".join([got.headers["webhook-id"].encode(), got.headers["webhook-timestamp"].encode(), got.body])
    key = base64.b64decode(secret[len("whsec_") :])
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(expected, one) for one in got.headers["webhook-signature"].split(" "))


def settings_of(receiver: Receiver, secret: str = NEW) -> dict[str, str]:
    return webhook.validated({"url": f"{receiver.url}/hooks/liftmon", "secret": secret})


def test_the_receiver_can_verify_it(receiver: Receiver) -> None:
    key = uuid4()
    receiver.answer(204)

    outcome = webhook.send(settings_of(receiver), a_message(), key=key)

    (got,) = receiver.received
    assert (outcome.is_accepted, outcome.status) == (True, 204)
    assert verified(got, NEW)
    assert not verified(got, OLD)
    assert got.headers["webhook-id"] == str(key)
    assert "." not in got.headers["webhook-id"]


def test_openssl_comes_to_the_same_signature() -> None:
    headers = webhook.signed_headers("msg_1", 1_614_265_330, b'{"a": 1}', [NEW])

    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{bytes(range(32)).hex()}", "-binary"],
        input=b'msg_1.1614265330.{"a": 1}', capture_output=True, check=True,
    )  # fmt: skip

    assert headers["webhook-signature"] == f"v1,{base64.b64encode(done.stdout).decode()}"


def test_while_secrets_are_exchanged_it_is_signed_by_both(receiver: Receiver) -> None:
    webhook.send(settings_of(receiver, f"{NEW}, {OLD}"), a_message(), key=uuid4())

    (got,) = receiver.received
    assert verified(got, NEW)
    assert verified(got, OLD)
    assert len(got.headers["webhook-signature"].split(" ")) == 2


def test_what_is_sent_again_has_the_same_id(receiver: Receiver) -> None:
    key = uuid4()
    receiver.answers = [(503, {"Retry-After": "5"}, b""), (200, {}, b"")]

    outcomes = [webhook.send(settings_of(receiver), a_message(), key=key) for _ in range(2)]

    assert [outcome.is_accepted for outcome in outcomes] == [False, True]
    assert outcomes[0].retry_after_seconds == 5
    assert {got.headers["webhook-id"] for got in receiver.received} == {str(key)}


def test_the_document_holds_the_answers() -> None:
    document = webhook.document(a_message())

    assert (document["type"], document["timestamp"]) == ("alert.firing", "2026-11-28T03:14:00+00:00")
    data = document["data"]
    assert (data["alert_id"], data["severity"], data["users_count"]) == ("a-17", "critical", 37)
    assert data["event_counts"] == {"total": 214, "window_seconds": 300, "steps": [1, 2, 40, 90, 81]}
    assert data["links"] == [{"label": "Acknowledge", "url": "https://liftmon.example/a/ack?token=1&x=2"}]
    assert data["resolved_at"] is None
    assert webhook.document(resolved())["data"]["resolved_at"] == "2026-11-28T03:14:00+00:00"
    storm = webhook.document(a_storm())["data"]
    assert (storm["alerts_count"], len(storm["alerts"])) == (500, 500)


def test_lone_surrogates_are_no_reason_not_to_send(receiver: Receiver) -> None:
    assert webhook.send(settings_of(receiver), a_message(newest_example="a\ud800é"), key=uuid4()).is_accepted
    assert receiver.received[0].json["data"]["newest_example"] == "a?é"


@pytest.mark.parametrize(
    ("status", "is_permanent"), [(410, True), (404, False), (400, False), (502, False), (302, False)]
)
def test_only_gone_is_for_good(receiver: Receiver, status: int, is_permanent: bool) -> None:
    receiver.answer(status, f"got {NEW}".encode(), Location=receiver.url)

    outcome = webhook.send(settings_of(receiver), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.is_permanent, outcome.status) == (False, is_permanent, status)
    assert NEW not in outcome.answer
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"secret": NEW}, "url"),
        ({"url": "https://a.example"}, "secret"),
        ({"url": "https://a.example", "secret": "whsec_short"}, "secret"),
        ({"url": "https://a.example", "secret": NEW.removeprefix("whsec_")}, "secret"),
        ({"url": "https://a.example", "secret": f"{NEW} whsec_{'A' * 200}"}, "secret"),
        ({"url": "https://a.example", "secret": "whsec_ümlaut"}, "secret"),
        ({"url": "https://a:b@a.example", "secret": NEW}, "url"),
        ({"url": "https://a.example", "secret": NEW, "token": ""}, "token"),
    ],
)
def test_settings_that_cannot_work_name_the_field(given: dict[str, str], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        webhook.validated(given)

    assert caught.value.field == field
    assert NEW not in str(caught.value)


def test_a_made_secret_is_taken() -> None:
    made = webhook.new_secret()

    assert webhook.validated({"url": "https://a.example/x", "secret": made})["secret"] == made
    assert made != webhook.new_secret()
