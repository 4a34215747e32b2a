import json
from uuid import UUID, uuid4

import pytest

from alerts.channels import pagerduty
from alerts.channels.message import MessageKind
from alerts.channels.outcome import SettingsError
from events.ingest.types import Severity
from tests.alerts.messages import a_message, a_storm, resolved
from tests.alerts.receivers import Receiver

KEY = "0123456789abcdef0123456789ABCDEF"
ID = UUID("01890000-0000-7000-8000-000000000001")


def settings_of(receiver: Receiver) -> dict[str, str]:
    return pagerduty.validated({"routing_key": KEY, "url": f"{receiver.url}/v2/enqueue"})


def test_it_triggers_reminds_acknowledges_and_resolves_one_incident(receiver: Receiver) -> None:
    receiver.answer(202, b'{"status":"success","message":"Event processed","dedup_key":"liftmon:a-17"}')
    settings = settings_of(receiver)

    outcomes = [
        pagerduty.send(settings, a_message(), key=uuid4()),
        pagerduty.send(settings, a_message(kind=MessageKind.REPEAT), key=uuid4()),
        pagerduty.acknowledge(settings, a_message(), key=uuid4()),
        pagerduty.send(settings, resolved(), key=uuid4()),
    ]

    assert all(outcome.is_accepted and outcome.status == 202 for outcome in outcomes)
    sent = [got.json for got in receiver.received]
    assert [one["event_action"] for one in sent] == ["trigger", "trigger", "acknowledge", "resolve"]
    assert {one["dedup_key"] for one in sent} == {"liftmon:a-17"}
    assert {one["routing_key"] for one in sent} == {KEY}
    assert [("payload" in one) for one in sent] == [True, True, False, False]


def test_a_trigger_says_what_where_and_since_when() -> None:
    event = pagerduty.event(a_message(), "trigger", routing_key=KEY, key=ID)

    payload = event["payload"]
    assert payload["summary"] == "Checkout fails: 214 of 1,020 requests failed in 5 minutes (21.0 %, limit 5 %)."
    assert payload["source"] == "lift api, production, /api/checkout"
    assert payload["severity"] == "critical"
    assert payload["timestamp"] == "2026-11-28T03:02:00+00:00"
    assert (payload["component"], payload["group"], payload["class"]) == ("/api/checkout", "lift-api", "api_error")
    assert payload["custom_details"]["users"] == "37 users hurt"
    assert event["client_url"] == "https://liftmon.example/alerts/17"
    assert [link["text"] for link in event["links"]] == ["Open in Liftmon", "Runbook", "Acknowledge"]


@pytest.mark.parametrize(
    ("severity", "said"),
    [("critical", "critical"), ("error", "error"), ("warning", "warning"), ("info", "info"), ("debug", "info")],
)
def test_severities_are_pagerdutys(severity: str, said: str) -> None:
    event = pagerduty.event(a_message(severity=Severity(severity)), "trigger", routing_key=KEY, key=ID)

    assert event["payload"]["severity"] == said


def test_it_stays_within_the_limits() -> None:
    long = a_message(title="t" * 3000, where="w" * 999, alert_id="a" * 300, newest_example="é" * 400_000)
    event = pagerduty.event(long, "trigger", routing_key=KEY, key=ID)

    assert len(event["payload"]["summary"]) == 1024
    assert len(event["dedup_key"]) == 255
    assert len(json.dumps(event)) < 512_000
    assert event["payload"]["custom_details"] == {"note": "The details were too large to send; they are in Liftmon."}
    storm = pagerduty.event(a_storm(), "trigger", routing_key=KEY, key=ID)
    assert storm["payload"]["custom_details"]["alerts"][0] == "critical: Endpoint 300 fails"
    assert storm["payload"]["custom_details"]["more_alerts"] == 480


def test_links_are_left_out_before_the_message_is() -> None:
    huge = a_message(url="https://a.example/" + "u" * 600_000)
    event = pagerduty.event(huge, "trigger", routing_key=KEY, key=ID)

    assert event["links"] == []
    assert "client_url" not in event


def test_a_test_opens_an_incident_of_its_own() -> None:
    event = pagerduty.event(a_message(kind=MessageKind.TEST), "trigger", routing_key=KEY, key=ID)

    assert event["dedup_key"] == f"liftmon:test:{ID}"
    assert event["payload"]["summary"].startswith("[Test] Checkout fails")


@pytest.mark.parametrize(("status", "is_permanent"), [(400, True), (429, False), (500, False), (404, False)])
def test_an_event_that_cannot_be_read_is_not_sent_again(receiver: Receiver, status: int, is_permanent: bool) -> None:
    receiver.answer(status, f'{{"status":"invalid event","errors":["{KEY} is no key"]}}'.encode(), Retry_After="9")

    outcome = pagerduty.send(settings_of(receiver), a_message(), key=uuid4())

    assert (outcome.is_accepted, outcome.is_permanent, outcome.status) == (False, is_permanent, status)
    assert outcome.retry_after_seconds == (9 if status == 429 else None)
    assert "invalid event" in outcome.answer
    assert KEY not in outcome.answer


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "routing_key"),
        ({"routing_key": KEY[:-1]}, "routing_key"),
        ({"routing_key": KEY[:-1] + "-"}, "routing_key"),
        ({"routing_key": KEY, "region": "moon"}, "region"),
        ({"routing_key": KEY, "url": "ftp://a"}, "url"),
        ({"routing_key": KEY, "service": "x"}, "service"),
    ],
)
def test_settings_that_cannot_work_name_the_field(given: dict[str, str], field: str) -> None:
    with pytest.raises(SettingsError) as caught:
        pagerduty.validated(given)

    assert caught.value.field == field
    assert KEY[:-1] not in str(caught.value)


def test_the_region_says_where_to_send() -> None:
    assert pagerduty.validated({"routing_key": KEY}) == {"routing_key": KEY, "region": "us"}
    assert pagerduty.validated({"routing_key": KEY, "region": "EU"})["region"] == "eu"
    assert pagerduty.ENDPOINTS["eu"] == "https://events.eu.pagerduty.com/v2/enqueue"
