from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ingest.protocols.track import RefusedEventError, read_event, severity_of
from events.ingest.types import IncomingEvent, Kind, Severity
from tests.events.ingest.test_repair import json_values

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def read(document: Any) -> IncomingEvent:
    return read_event(document, received_at=NOW)


def test_it_reads_the_good_log_of_the_guide() -> None:
    event = read(
        {
            "event": "api_timeout",
            "level": "error",
            "data": {
                "endpoint": "/api/career",
                "duration_ms": 10050,
                "user_id": "u-1",
                "fallback_used": "template",
                "timestamp": "2026-03-04T11:59:00Z",
            },
        }
    )

    assert (event.name, event.severity, event.endpoint, event.duration_ms) == (
        "api_timeout",
        Severity.ERROR,
        "/api/career",
        10050.0,
    )
    assert event.user_identity == "u-1"
    assert event.occurred_at == NOW - timedelta(minutes=1)
    assert event.data["fallback_used"] == "template"
    assert event.repaired == []


def test_the_top_level_wins_over_data() -> None:
    event = read(
        {"event": "a", "message": "top", "endpoint": "/top", "data": {"message": "inner", "endpoint": "/inner"}}
    )

    assert (event.message, event.endpoint) == ("top", "/top")


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_a_field_that_is_null_at_the_top_level_is_read_from_data(nothing: Any) -> None:
    event = read({"event": "a", "release": nothing, "data": {"release": "1.2"}})

    assert event.release == "1.2"


def test_a_path_tells_where_the_value_stood() -> None:
    event = read({"event": "a", "release": 1, "eventId": "order-7", "data": {"environment": 2, "duration_ms": "x"}})

    assert [mark["path"] for mark in event.repaired] == ["eventId", "data.environment", "release", "data.duration_ms"]


def test_the_first_of_two_spellings_wins_wherever_it_stands() -> None:
    event = read(
        {"event": "a", "sessionId": "top", "userId": "top", "data": {"session_id": "inner", "user_id": "inner"}}
    )

    assert (event.session_id, event.user_identity) == ("inner", "inner")


def test_known_fields_are_read_before_the_limit_of_fields() -> None:
    event = read({**{f"name_{place}": place for place in range(600)}, "data": {}, "event": "a", "release": "1.2"})

    assert event.release == "1.2"
    assert len(event.data) == 498  # 500 with the event's name and its release
    assert event.repaired == [{"path": "(top level)", "rule": "keys_dropped"}]


def test_unknown_fields_stay_in_data() -> None:
    event = read({"event": "a", "colour": "red", "data": {"feature": "career", "colour": "blue"}})

    assert event.data == {"feature": "career", "colour": "blue"}


def test_severity_wins_over_level() -> None:
    assert read({"event": "a", "level": "error", "data": {"severity": "WARNING"}}).severity is Severity.WARNING


def test_a_tracked_event_is_of_kind_track() -> None:
    event = read({"event": "feature_used", "level": "track"})

    assert (event.kind, event.severity) == (Kind.TRACK, Severity.INFO)


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("CRITICAL", Severity.CRITICAL),
        ("fatal", Severity.CRITICAL),
        ("Error", Severity.ERROR),
        ("warn", Severity.WARNING),
        ("WARNING", Severity.WARNING),
        ("info", Severity.INFO),
        ("track", Severity.INFO),
        ("debug", Severity.DEBUG),
        (40, Severity.ERROR),
        ("30", Severity.WARNING),
        (50, Severity.CRITICAL),
        (60, Severity.CRITICAL),
        ("loud", None),
        (True, None),
        ([], None),
        ("999999999999999999999999", None),
    ],
)
def test_it_knows_the_words_of_loggers(word: Any, severity: Severity | None) -> None:
    assert severity_of(word) is severity


def test_a_stringified_data_is_opened() -> None:
    assert read({"event": "a", "data": '{"feature": "career"}'}).data == {"feature": "career"}


def test_data_that_is_no_object_is_kept_and_marked() -> None:
    event = read({"event": "a", "data": [1, 2]})

    assert event.data == {"value": [1, 2]}
    assert event.repaired == [{"path": "data", "rule": "wrong_type"}]


@pytest.mark.parametrize(
    ("endpoint", "path"),
    [
        ("/api/career?user=3", "/api/career"),
        ("https://lift.example/api/x?y=1#z", "/api/x"),
        ("https://lift.example", "/"),
        ("GET /api/x", "GET /api/x"),
    ],
)
def test_an_endpoint_is_a_path_without_its_query(endpoint: str, path: str) -> None:
    assert read({"event": "a", "endpoint": endpoint}).endpoint == path


def test_the_same_foreign_id_always_becomes_the_same_uuid() -> None:
    first, second = read({"event": "a", "event_id": "order-7"}), read({"event": "a", "event_id": "order-7"})

    assert isinstance(first.event_id, UUID)
    assert first.event_id == second.event_id
    assert first.repaired == [{"path": "event_id", "rule": "event_id_hashed"}]


def test_ids_are_read_dashed_or_plain() -> None:
    plain = read({"event": "a", "event_id": "0123456789ABCDEF0123456789abcdef"})

    assert plain.event_id == UUID("01234567-89ab-cdef-0123-456789abcdef")


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": 7},
        {"userId": "7"},
        {"user": {"id": 7}},
        {"user": "7"},
        {"data": {"user": {"id": "7"}}},
        {"data": {"user_id": 7}},
        {"user": {"name": "x"}, "email": "7", "data": {"email": "8"}},
        {"user": [], "data": {"email": "7"}},
        {"user": {"email": "7"}},
    ],
)
def test_it_finds_the_user_wherever_clients_put_one(fields: dict[str, Any]) -> None:
    event = read({"event": "a", **fields})

    assert event.user_identity == "7"
    assert event.repaired == []


def test_a_stack_in_text_becomes_frames() -> None:
    stack = "TypeError: x is undefined\n    at load (https://lift.example/app.js:10:5)\n    at main (https://lift.example/app.js:1:1)"

    event = read({"event": "client_error", "data": {"stack": stack}})

    assert event.exception[-1]["type"] == "TypeError"
    assert [frame["function"] for frame in event.exception[-1]["frames"]] == ["main", "load"]
    assert "stack" not in event.data
    assert event.message == "x is undefined"


def test_an_error_object_gives_message_and_stack() -> None:
    event = read(
        {
            "event": "client_error",
            "error": {"name": "TypeError", "message": "boom", "stack": "TypeError: boom\n    at a (b.js:1:2)"},
        }
    )

    assert event.message == "boom"
    assert event.exception[-1]["frames"][0]["function"] == "a"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (None, "not_an_object"),
        (3, "not_an_object"),
        ([], "not_an_object"),
        ({}, "missing_event"),
        ({"event": ""}, "missing_event"),
        ({"event": {"a": 1}}, "missing_event"),
        ({"event": None, "data": {}}, "missing_event"),
    ],
)
def test_what_is_no_event_is_refused_with_what_to_fix(document: Any, code: str) -> None:
    with pytest.raises(RefusedEventError) as caught:
        read(document)

    assert caught.value.code == code
    assert "event" in caught.value.detail


FIELDS = (
    "event_id timestamp severity level kind message error reason endpoint duration_ms response_time_ms user_id user session_id "
    "environment release stack exception breadcrumbs tags fingerprint userAgent data"
).split()


@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=8), st.booleans())
def test_wrong_types_in_any_field_are_mended_and_never_raise(fields: dict[str, Any], is_nested: bool) -> None:
    document = {"event": "a", "data": fields} if is_nested else {**fields, "event": "a"}

    event = read(document)

    assert event.name == "a"
    assert event.occurred_at <= NOW + timedelta(minutes=1)
    assert all(isinstance(value, str) for value in event.tags.values())
    assert isinstance(event.data, dict)


def test_a_reason_is_the_message_and_stays_to_be_counted_by() -> None:
    event = read({"event": "ai_failure", "reason": "timeout"})

    assert event.message == "timeout"
    assert event.data == {"reason": "timeout"}
