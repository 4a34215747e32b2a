"""Each of the guide's logging examples, sent as JSON through the whole path."""

import orjson
import pytest
from django.utils import timezone

from events.models import Event, EventType, Issue
from tests.events.conftest import Sender
from tests.events.ingest.guide_events import BAD_LOG, GUIDE_EVENTS

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", GUIDE_EVENTS)
def test_it_appears_with_its_severity_tier_endpoint_user_and_duration(sender: Sender, name: str) -> None:
    expected = GUIDE_EVENTS[name]
    document = orjson.loads(
        orjson.dumps(expected.document).replace(b"2026-03-04T11:59", timezone.now().strftime("%Y-%m-%dT%H:%M").encode())
    )

    response = sender.post(document)

    assert response.status_code == 200
    assert response.json()["ok"] is True  # type: ignore[attr-defined]
    event = Event.objects.get()
    assert event.name == name
    assert (event.severity, event.tier) == (expected.severity, expected.tier)
    assert (event.endpoint, event.duration_ms) == (expected.endpoint, expected.duration_ms)
    assert bool(event.user_hash) is expected.has_user
    assert event.message == expected.message
    assert event.repaired == []
    assert Issue.objects.exists() is (expected.severity != "info")


def test_every_name_of_the_guide_is_in_the_catalogue_with_its_question() -> None:
    known = {entry.name: entry for entry in EventType.objects.all()}

    assert set(GUIDE_EVENTS) <= set(known)
    assert all(entry.question and entry.description for entry in known.values())
    assert known["ai_failure"].question == "How many timeouts per feature? Which provider fails most?"


def test_the_bad_log_comes_out_clean_and_says_what_was_cleaned(sender: Sender) -> None:
    sender.post(BAD_LOG)

    event = Event.objects.get()
    stored = orjson.dumps([event.message, event.data, event.tags, event.exception]).decode()
    for secret in ("4111", "xxxxx", "sk-proj", "user@example.com", "555-1234"):
        assert secret not in stored
    assert {mark["path"]: mark["rule"] for mark in event.scrubbed} == {
        "data.body": "body_removed",
        "data.apiKey": "secret",
        "data.user.email": "email",
        "data.user.phone": "phone",
        "user_id": "user_id_hashed",
    }
    assert event.message == "Error: boom"


def test_the_good_log_comes_out_whole_but_for_the_hashed_user(sender: Sender) -> None:
    data = {**GUIDE_EVENTS["api_timeout"].document["data"], "timestamp": timezone.now().isoformat()}

    sender.post({"event": "api_timeout", "level": "error", "data": data})

    event = Event.objects.get()
    assert {**event.data, "user_id": None} == {**data, "user_id": None}
    assert event.data["user_id"] == event.user_hash
    assert event.scrubbed == [{"path": "data.user_id", "rule": "user_id_hashed"}]
