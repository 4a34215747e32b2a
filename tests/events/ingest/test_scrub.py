"""Whole events and JSON values: what is cleaned, where it is marked, and that nothing is cleaned twice."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from events.ingest import scrub
from events.ingest.scrub import FILTERED, Scrubber
from events.ingest.types import IncomingEvent, Mark

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SCRUBBER = Scrubber(["new key", "old key"])
USER = SCRUBBER.hash_user("u-42")


def event_with(**fields: Any) -> IncomingEvent:
    return IncomingEvent(name="error", occurred_at=NOW, received_at=NOW, **fields)


def scrubbed_data(data: dict[str, Any]) -> tuple[dict[str, Any], list[Mark]]:
    event = SCRUBBER.scrub(event_with(data=data))
    return event.data, event.scrubbed


def mark(path: str, rule: str) -> Mark:
    return {"path": path, "rule": rule}


def test_the_bad_log_of_the_guide_comes_out_clean() -> None:
    data, marks = scrubbed_data(
        {
            "body": "x" * 20_000,
            "apiKey": "not-a-known-shape",
            "user": {"email": "user@example.com", "phone": "555-1234"},
        }
    )

    assert data == {
        "body": "[body removed: 20,000 characters]",
        "apiKey": FILTERED,
        "user": {"email": "[email]", "phone": FILTERED},
    }
    assert marks == [
        mark("data.body", "body_removed"),
        mark("data.apiKey", "secret"),
        mark("data.user.email", "email"),
        mark("data.user.phone", "phone"),
    ]


def test_the_good_log_of_the_guide_comes_out_whole_but_for_the_user() -> None:
    good = {
        "endpoint": "/api/career",
        "duration_ms": 10050,
        "fallback_used": "template",
        "retry_count": 2,
        "timestamp": "2025-12-30T10:11:12.345Z",
    }

    data, marks = scrubbed_data({**good, "user_id": "u-42"})

    assert data == {**good, "user_id": USER}
    assert marks == [mark("data.user_id", "user_id_hashed")]


def test_every_text_of_an_event_is_cleaned_and_marked_at_its_path() -> None:
    event = event_with(
        message="no user a@example.com",
        message_template="no user b@example.com",
        endpoint="/users/c@example.com",
        environment="d@example.com",
        release="e@example.com",
        session_id="f@example.com",
        fingerprint=["fine", "g@example.com"],
        tags={"customer": "h@example.com", "password": "hunter2"},
        breadcrumbs=[{"message": "ok"}, {"message": "to i@example.com", "data": {"token": "abc"}}],
        exception=[
            {
                "type": "IntegrityError",
                "value": "Key (email)=(j@example.com) already exists.",
                "frames": [{"function": "save", "filename": "/home/ada/app.py", "vars": {"password": "hunter2"}}],
            }
        ],
        data={"deep": [{"note": "k@example.com"}]},
    )
    event.name = "failed for l@example.com"

    SCRUBBER.scrub(event)

    assert "example.com" not in repr(event)
    assert "hunter2" not in repr(event)
    assert event.exception[0]["value"] == "Key (email)=([email]) already exists."
    assert event.exception[0]["frames"][0]["function"] == "save"
    assert event.tags == {"customer": "[email]", "password": FILTERED}
    assert event.scrubbed == [
        mark("event", "email"),
        mark("message", "email"),
        mark("message_template", "email"),
        mark("endpoint", "email"),
        mark("environment", "email"),
        mark("release", "email"),
        mark("session_id", "email"),
        mark("fingerprint.1", "email"),
        mark("tags.customer", "email"),
        mark("tags.password", "password"),
        mark("breadcrumbs.1.message", "email"),
        mark("breadcrumbs.1.data.token", "token"),
        mark("exception.0.value", "email"),
        mark("exception.0.frames.0.filename", "user_folder"),
        mark("exception.0.frames.0.vars.password", "password"),
        mark("data.deep.0.note", "email"),
    ]


def test_a_text_with_two_kinds_of_secrets_gets_two_marks() -> None:
    data, marks = scrubbed_data({"note": "a@example.com password=x b@example.com"})

    assert data == {"note": "[email] password=[Filtered] [email]"}
    assert sorted(found["rule"] for found in marks) == ["email", "password"]


def test_marks_that_repairs_left_are_kept() -> None:
    event = event_with(message="a@example.com")
    event.scrubbed.append(mark("data", "too_deep"))

    SCRUBBER.scrub(event)

    assert event.scrubbed == [mark("data", "too_deep"), mark("message", "email")]


def test_a_flood_of_secrets_is_cleaned_whole_with_a_bounded_number_of_marks() -> None:
    data, marks = scrubbed_data({"tries": ["a@example.com"] * 1_000})

    assert data == {"tries": ["[email]"] * 1_000}
    assert len(marks) == 200


@pytest.mark.parametrize(
    ("data", "expected", "path"),
    [
        ({"user_id": "u-42"}, {"user_id": USER}, "data.user_id"),
        ({"userId": " u-42 "}, {"userId": USER}, "data.userId"),
        ({"userId": 42}, {"userId": SCRUBBER.hash_user("42")}, "data.userId"),
        ({"user.id": "u-42"}, {"user.id": USER}, "data.user.id"),
        ({"user": {"id": "u-42"}}, {"user": {"id": USER}}, "data.user.id"),
        ({"context": {"user": {"id": "u-42"}}}, {"context": {"user": {"id": USER}}}, "data.context.user.id"),
        ({"note": "user_id=u-42 failed"}, {"note": f"user_id={USER} failed"}, "data.note"),
    ],
)
def test_users_are_counted_and_not_named(data: dict[str, Any], expected: dict[str, Any], path: str) -> None:
    assert scrubbed_data(data) == (expected, [mark(path, "user_id_hashed")])


@pytest.mark.parametrize("value", [None, "", True, {"a": 1}, 4.5])
def test_a_user_id_that_is_none_stays(value: Any) -> None:
    assert scrubbed_data({"user_id": value}) == ({"user_id": value}, [])


def test_an_id_that_is_not_of_a_user_stays() -> None:
    data = {"id": "u-42", "order": {"id": "u-42"}, "users": {"id": "u-42"}}

    assert scrubbed_data(data) == (data, [])


def test_the_identity_of_the_event_becomes_a_hash_and_is_gone() -> None:
    event = SCRUBBER.scrub(event_with(user_identity="u-42"))

    assert (event.user_hash, event.user_identity) == (USER, "")
    assert event.scrubbed == [mark("user_id", "user_id_hashed")]


def test_the_same_user_has_the_same_hash_everywhere() -> None:
    event = SCRUBBER.scrub(event_with(user_identity="u-42", data={"user_id": "u-42"}))

    assert event.user_hash == event.data["user_id"] == USER


def test_a_new_key_hashes_anew_and_the_old_one_still_finds_its_users() -> None:
    before, after = Scrubber(["old key"]), Scrubber(["new key", "old key"])

    assert after.hash_user("u-42") != before.hash_user("u-42")
    assert after.hash_user("u-42", key_index=1) == before.hash_user("u-42")
    assert len(USER) == 32
    assert int(USER, 16)


def test_it_needs_a_key() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        Scrubber([])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["Authorization", "Bearer abc"], ["Authorization", FILTERED]),
        ([["accept", "*/*"], ["cookie", "a=1"]], [["accept", "*/*"], ["cookie", FILTERED]]),
        ({"name": "Authorization", "value": "abc"}, {"name": "Authorization", "value": FILTERED}),
        ({"key": "x-api-key", "value": "abc"}, {"key": "x-api-key", "value": FILTERED}),
        ([{"name": "accept", "value": "*/*"}], [{"name": "accept", "value": "*/*"}]),
        (("password", "hunter2"), ["password", FILTERED]),
        (["password", "email"], ["password", "email"]),
        (["password", "phone"], ["password", "phone"]),
        (["password", 1], ["password", FILTERED]),
    ],
)
def test_pairs_are_read_as_a_name_and_its_value(value: Any, expected: Any) -> None:
    assert SCRUBBER.scrub_value(value) == expected


def test_a_pair_is_marked_where_its_value_is() -> None:
    _, marks = scrubbed_data({"headers": [["Cookie", "a=1"], {"name": "Cookie", "value": "a=1"}]})

    assert marks == [mark("data.headers.0.1", "cookie"), mark("data.headers.1.value", "cookie")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("rate limited", "rate limited"),
        ("password=hunter2", "password=[Filtered]"),
        ({"password": "hunter2", "a": 1}, {"password": FILTERED, "a": 1}),
        ("x" * 1_024, "x" * 1_024),
        ("x" * 1_025, "[body removed: 1,025 characters]"),
        ({"a": "x" * 2_000}, "[body removed: 2,008 characters]"),
        (["x" * 2_000], "[body removed: 2,004 characters]"),
    ],
)
def test_a_raw_body_is_kept_only_when_short(value: Any, expected: Any) -> None:
    assert SCRUBBER.scrub_value({"request": {"body": value}}) == {"request": {"body": expected}}


def test_a_body_that_cannot_be_written_as_json_is_measured_all_the_same() -> None:
    assert SCRUBBER.scrub_value({"body": ["\ud800" * 2_000]}) == {"body": "[body removed: 12,004 characters]"}


ADDRESS = Scrubber(["new key"]).scrub_value({"ip": "203.0.113.7"})["ip"]
SIXTH = Scrubber(["new key"]).scrub_value({"ip": "2001:db8::7"})["ip"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("203.0.113.7", ADDRESS),
        ("::ffff:203.0.113.7", ADDRESS),
        ("203.0.113.7:4711", ADDRESS),
        ("203.0.113.7, 203.0.113.7", f"{ADDRESS}, {ADDRESS}"),
        ("203.0.113.7, unknown", f"{ADDRESS}, {FILTERED}"),
        ("203.0.113.7 , 203.0.113.7,", f"{ADDRESS}, {ADDRESS}"),
        ("for=203.0.113.7;proto=https", f"{ADDRESS}, {FILTERED}"),
        ('for="[2001:db8::7]:4711"', SIXTH),
        ("[2001:db8::7]:4711", SIXTH),
        ("2001:db8::7", SIXTH),
        ("2001:DB8:0::7%eth0", SIXTH),
        ("it was 2001:db8::7", f"{FILTERED}, {FILTERED}, {SIXTH}"),
        (["203.0.113.7", "203.0.113.7"], [ADDRESS, ADDRESS]),
        (None, None),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("key", ["ip", "X-Forwarded-For", "clientIp"])
def test_an_address_is_kept_as_its_network_and_a_hash(key: str, value: Any, expected: Any) -> None:
    assert SCRUBBER.scrub_value({key: value}) == {key: expected}


def test_the_network_can_be_read_and_its_address_cannot() -> None:
    assert ADDRESS.startswith("203.0.113.0/24 (")
    assert SCRUBBER.scrub_value({"ip": "2001:db8:1:2:3::4"})["ip"].startswith("2001:db8:1::/48 (")
    assert SCRUBBER.scrub_value({"ip": "203.0.113.8"})["ip"] != ADDRESS


def test_an_address_counts_anew_under_another_key() -> None:
    rotated = Scrubber(["newer key", "new key"]).scrub_value({"ip": "203.0.113.7"})["ip"]

    assert rotated != ADDRESS
    assert rotated.split()[0] == ADDRESS.split()[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"n": 4242424242424242}, {"n": "[card]"}),
        ({"n": 4242424242424243}, {"n": 4242424242424243}),
        ({"at": 1735553472345, "us": 1735553472345678}, {"at": 1735553472345, "us": 1735553472345678}),
        ({"cvv": 123, "pin": 1234}, {"cvv": FILTERED, "pin": FILTERED}),
        ({"tokens": 512, "token": 7}, {"tokens": 512, "token": 7}),
        ({"phone": 4155552671}, {"phone": FILTERED}),
        ({"mobile": "ios", "phone": True}, {"mobile": "ios", "phone": True}),
        ({"password": 0, "secret": 1.5}, {"password": FILTERED, "secret": FILTERED}),
        ({"password": True, "token": None, "cookie": ""}, {"password": True, "token": None, "cookie": ""}),
        ({"password": ["a", "b"], "credentials": {"user": "u"}}, {"password": FILTERED, "credentials": FILTERED}),
    ],
)
def test_values_are_judged_by_their_type_too(value: Any, expected: Any) -> None:
    assert SCRUBBER.scrub_value(value) == expected


def test_json_inside_a_text_is_cleaned_by_its_keys() -> None:
    inner = json.dumps({"apiKey": "abc", "user": {"id": "u-42"}, "n": 1})

    data, marks = scrubbed_data({"response": inner})

    assert json.loads(data["response"]) == {"apiKey": FILTERED, "user": {"id": USER}, "n": 1}
    assert marks == [mark("data.response.apiKey", "secret"), mark("data.response.user.id", "user_id_hashed")]


def test_json_inside_json_inside_a_text_is_cleaned_too() -> None:
    inner = json.dumps({"payload": json.dumps({"list": [["Cookie", "a=1"]]})})

    cleaned = SCRUBBER.scrub_value(inner)

    assert json.loads(json.loads(cleaned)["payload"]) == {"list": [["Cookie", FILTERED]]}


def test_innocent_json_inside_a_text_keeps_its_spelling() -> None:
    text = '{ "a" : 1.0,\n "b": [ ] }'

    assert SCRUBBER.scrub_value(text) == text


@pytest.mark.parametrize("text", ['{"password": "hunter2"', '{"password": "hunter2", …}', "{'password': 'hunter2'}"])
def test_broken_json_is_cleaned_as_text(text: str) -> None:
    assert SCRUBBER.scrub_value(text) == text.replace("hunter2", FILTERED)


def test_json_too_deep_to_read_is_cleaned_as_text() -> None:
    text = "[" * 5_000 + '"a@example.com"' + "]" * 5_000

    assert "example" not in SCRUBBER.scrub_value(text)


def test_a_name_that_is_itself_personal_is_cleaned() -> None:
    data, marks = scrubbed_data({"sent": {"ada@example.com": {"ok": True}, "grace@example.com": {"token": "abc"}}})

    assert data == {"sent": {"[email]": {"ok": True}, "[email] 2": {"token": FILTERED}}}
    assert marks == [mark("data.sent", "email")] * 2 + [mark("data.sent.[email] 2.token", "token")]


def test_tags_of_two_persons_stay_two() -> None:
    event = SCRUBBER.scrub(event_with(tags={"ada@example.com": "1", "grace@example.com": "2"}))

    assert event.tags == {"[email]": "1", "[email] 2": "2"}


@pytest.mark.parametrize("name", ["Password=Token", "Password:UserID", "PASSWORD;DE89370400440532013000"])
def test_a_name_that_is_cleaned_tells_what_it_told_before(name: str) -> None:
    once = SCRUBBER.scrub_value({name: 7})

    assert list(once.values()) == [FILTERED]
    assert SCRUBBER.scrub_value(once) == once


def test_a_name_beside_its_value_is_cleaned_too() -> None:
    assert SCRUBBER.scrub_value(["password=hunter2 token", "x"]) == ["password=[Filtered] token", FILTERED]
    assert SCRUBBER.scrub_value({"name": "password=hunter2 token", "value": "x"}) == {
        "name": "password=[Filtered] token",
        "value": FILTERED,
    }


def test_a_text_that_was_clean_as_a_text_is_still_read_as_json() -> None:
    scrubber = Scrubber(["key"])
    text = '["password", "hunter2"]'

    assert scrubber.scrub_text(text) == text
    assert "hunter2" not in scrubber.scrub_value({"note": text})["note"]


def test_names_that_told_nothing_elsewhere_still_tell_where_they_do() -> None:
    scrubber = Scrubber(["key"])
    plain = {"job": {"id": "abcd", "value": "abcd"}}
    assert scrubber.scrub_value([plain, plain]) == [plain, plain]

    user, header = scrubber.scrub_value([{"user": {"id": "abcd"}}, {"name": "Authorization", "value": "abcd"}])

    assert user["user"]["id"] == scrubber.hash_user("abcd")
    assert header["value"] == FILTERED


def test_a_known_text_is_cut_to_the_length_of_its_field() -> None:
    scrubber = Scrubber(["key"])
    scrubber.scrub_text("v" * 100)

    assert scrubber.scrub(event_with(environment="v" * 100)).environment == "v" * 64


def test_what_it_remembers_stays_within_bounds() -> None:
    scrubber = Scrubber(["key"])

    for place in range(10_000):
        scrubber.scrub_value({f"name_{place}": f"text {place}"})
    scrubber.scrub_text("x" * 201)

    assert 0 < len(scrubber._text.known_clean) <= 4_096
    assert "x" * 201 not in scrubber._text.known_clean
    assert 0 < len(scrub._PLAIN_KEYS) <= 4_096
