from uuid import uuid4

import pytest

from alerts.channels import alertmanager
from alerts.channels.message import MessageKind
from alerts.channels.outcome import SettingsError
from tests.alerts.messages import a_message, a_storm, resolved
from tests.alerts.receivers import Receiver


def test_it_posts_the_document_with_its_token_and_key(receiver: Receiver) -> None:
    settings = alertmanager.validated({"url": f"{receiver.url}/am", "bearer_token": "tok-123456", "receiver": "night"})
    key = uuid4()

    assert alertmanager.send(settings, a_message(), key=key).is_accepted

    (got,) = receiver.received
    assert (got.headers["authorization"], got.headers["idempotency-key"]) == ("Bearer tok-123456", str(key))
    assert (got.json["version"], got.json["receiver"], got.json["status"]) == ("4", "night", "firing")


def test_one_alert_is_a_group_of_one() -> None:
    document = alertmanager.document(a_message(), receiver="liftmon")

    (alert,) = document["alerts"]
    assert alert["labels"] == {
        "alertname": "Checkout fails", "severity": "critical", "service": "lift-api", "endpoint": "/api/checkout",
        "name": "api_error",
    }  # fmt: skip
    assert alert["annotations"]["runbook_url"] == "https://runbooks.example/checkout"
    assert (alert["startsAt"], alert["endsAt"]) == ("2026-11-28T03:02:00Z", "0001-01-01T00:00:00Z")
    assert document["commonLabels"] == alert["labels"]
    assert document["groupKey"] == '{}:{liftmon_alert="a-17"}'
    assert document["truncatedAlerts"] == 0


def test_recovery_ends_the_alert_that_was_known() -> None:
    firing = alertmanager.document(a_message(), receiver="r")
    over = alertmanager.document(resolved(), receiver="r")

    assert (over["status"], over["alerts"][0]["status"]) == ("resolved", "resolved")
    assert over["alerts"][0]["endsAt"] == "2026-11-28T03:14:00Z"
    assert over["alerts"][0]["fingerprint"] == firing["alerts"][0]["fingerprint"]
    assert over["groupKey"] == firing["groupKey"]


def test_a_recovery_without_its_time_ended_when_it_was_told() -> None:
    document = alertmanager.document(a_message(kind=MessageKind.RESOLVED), receiver="r")

    assert document["alerts"][0]["endsAt"] == "2026-11-28T03:14:00Z"


def test_a_storm_fires_while_one_of_it_does_and_shares_what_is_common() -> None:
    document = alertmanager.document(a_storm(count=600), receiver="r")

    assert (document["status"], len(document["alerts"]), document["truncatedAlerts"]) == ("firing", 500, 100)
    assert document["commonLabels"] == {"service": "lift-api"}
    assert len({alert["fingerprint"] for alert in document["alerts"]}) == 500
    over = alertmanager.document(a_storm(count=3, listed=3, resolved_count=3), receiver="r")
    assert over["status"] == "resolved"


def test_names_of_labels_are_those_that_prometheus_allows() -> None:
    document = alertmanager.document(
        a_message(labels={"http.method": "GET", "5xx": "y", "e": "", "": "z"}), receiver="r"
    )

    assert document["alerts"][0]["labels"] == {
        "http_method": "GET", "_5xx": "y", "alertname": "Checkout fails", "severity": "critical",
    }  # fmt: skip


def test_the_token_is_in_no_answer(receiver: Receiver) -> None:
    receiver.answer(401, b"bad token tok-123456")
    settings = alertmanager.validated({"url": receiver.url, "bearer_token": "tok-123456"})

    outcome = alertmanager.send(settings, a_message(), key=uuid4())

    assert (outcome.status, outcome.answer, outcome.is_permanent) == (401, "bad token …", False)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "url"),
        ({"url": "nothing"}, "url"),
        ({"url": "https://a.example", "bearer_token": "a\r\nX: y"}, "bearer_token"),
        ({"url": "https://a.example", "bearer_token": "ü"}, "bearer_token"),
        ({"url": "https://a.example", "group": "x"}, "group"),
    ],
)
def test_settings_that_cannot_work_name_the_field(given: dict[str, str], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        alertmanager.validated(given)

    assert caught.value.field == field
