"""`POST /api/analytics/track`, through Django's test client; tests/journeys sends through the real server."""

import gzip
import json
import zlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import brotli
import orjson
import pytest
import zstandard
from django.test import Client
from django.utils import timezone

from events.models import Event, IngestKey, IngestRejection, KeyKind
from tests.events.conftest import Sender

pytestmark = pytest.mark.django_db
EVENT = {"event": "api_timeout", "data": {"endpoint": "/api/career"}}


def json_of(response: Any) -> Any:
    return response.json()


@pytest.mark.parametrize("path", ["/api/analytics/track", "/api/analytics/track/"])
def test_it_answers_as_the_guide_calls_it(sender: Sender, path: str) -> None:
    response = sender.post(EVENT, path=path)

    assert response.status_code == 200
    assert json_of(response)["ok"] is True
    assert json_of(response)["id"] == str(Event.objects.get().event_id)


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head"])
def test_any_other_method_is_405(method: str) -> None:
    response = getattr(Client(), method)("/api/analytics/track")

    assert response.status_code == 405


def test_it_takes_an_array_and_answers_event_by_event(sender: Sender) -> None:
    response = sender.post([EVENT, 3, {"data": {}}, EVENT])

    assert response.status_code == 200
    answer = json_of(response)
    assert answer["accepted"] == 2
    assert [(entry["index"], entry["code"]) for entry in answer["rejected"]] == [
        (1, "not_an_object"),
        (2, "missing_event"),
    ]
    assert all(entry["detail"] for entry in answer["rejected"])


def test_it_takes_lines_of_json(sender: Sender) -> None:
    body = b"\n".join(orjson.dumps(EVENT) for _ in range(3)) + b'\n{"event": \n'

    response = sender.post(body, content_type="application/x-ndjson")

    assert (json_of(response)["accepted"], json_of(response)["rejected"][0]["index"]) == (3, 3)


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


ENCODERS: dict[str, tuple[str, Any]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip of two members": ("gzip", lambda body: gzip.compress(body[:5]) + gzip.compress(body[5:])),
    "x-gzip": ("X-GZIP", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
    "identity": ("identity", bytes),
    "both": ("gzip, br", lambda body: brotli.compress(gzip.compress(body))),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_it_reads_every_encoding(sender: Sender, name: str) -> None:
    encoding, encode = ENCODERS[name]

    response = sender.post(encode(orjson.dumps(EVENT)), **{"Content-Encoding": encoding})

    assert response.status_code == 200
    assert Event.objects.get().name == "api_timeout"


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_stopped_at_the_limit(sender: Sender, name: str, settings: Any) -> None:
    settings.INGEST_MAX_BODY_BYTES = 100_000
    encoding, encode = ENCODERS[name]

    response = sender.post(encode(b" " * 30_000_000), **{"Content-Encoding": encoding})

    assert response.status_code == 413
    assert json_of(response)["limit_bytes"] == 100_000


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("damage", ["cut", "garbage"])
def test_broken_compression_is_400(sender: Sender, name: str, damage: str) -> None:
    encoding, encode = ENCODERS[name]
    body = encode(orjson.dumps([{**EVENT, "data": {"n": str(uuid4())}} for _ in range(100)]))

    response = sender.post(
        body[: len(body) // 2] if damage == "cut" else b"\x00garbage" + body, **{"Content-Encoding": encoding}
    )

    assert response.status_code == 400
    assert json_of(response)["code"] in {"broken_compression", "invalid_json"}


def test_an_unknown_encoding_is_415(sender: Sender) -> None:
    response = sender.post(b"...", **{"Content-Encoding": "compress"})

    assert (response.status_code, json_of(response)["code"]) == (415, "unknown_encoding")


def test_a_body_over_the_limit_is_413(sender: Sender, settings: Any) -> None:
    settings.INGEST_MAX_BODY_BYTES = 1_000

    response = sender.post({"event": "a", "data": {"x": "y" * 2_000}})

    assert (response.status_code, json_of(response)["code"]) == (413, "too_large")


def test_more_than_a_thousand_events_are_413(sender: Sender) -> None:
    response = sender.post([EVENT] * 1_001)

    assert (response.status_code, json_of(response)["code"]) == (413, "too_many_events")
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        (b"", "empty_body"),
        (b"3", "not_an_object"),
        (b"\xff", "not_utf8"),
        (b"[" * 100_000, "too_deep"),
    ],
)
def test_what_is_no_json_is_400_and_counted_with_a_sample(sender: Sender, body: bytes, code: str) -> None:
    response = sender.post(body)

    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    assert json_of(response)["code"] == code
    rejection = IngestRejection.objects.get()
    assert (rejection.service, rejection.code, rejection.rejection_count) == (sender.service, code, 1)


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense", "*/*;q=0", ""])
@pytest.mark.parametrize("query", ["", "?format=xml"])
def test_how_the_answer_should_look_is_no_reason_to_refuse_an_event(sender: Sender, accept: str, query: str) -> None:
    response = sender.post(EVENT, path=f"/api/analytics/track{query}", Accept=accept)

    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize("key", ["x\x00y", "x\ud800y", "k" * 5_000])
def test_a_strange_field_name_is_mended_and_the_event_kept(sender: Sender, key: str) -> None:
    body = json.dumps({"event": "a", key: "nul \x00", "data": {key: {key: "nul \x00"}}, "tags": {key: "t"}}).encode()

    response = sender.post(body)

    assert response.status_code == 200
    event = Event.objects.get()
    assert "key_mended" in {mark["rule"] for mark in event.repaired}
    assert len(event.data) == 1


def test_thousands_of_fields_are_cut_and_the_known_ones_kept(sender: Sender) -> None:
    sender.post({**{f"field_{number}": number for number in range(3_000)}, "event": "a", "message": "said"})

    event = Event.objects.get()
    assert (event.message, len(event.data) <= 500) == ("said", True)
    assert {"path": "(top level)", "rule": "keys_dropped"} in event.repaired


def test_encodings_on_top_of_one_another_have_an_end(sender: Sender) -> None:
    assert sender.post(b"x", **{"Content-Encoding": ", ".join(["gzip"] * 50)}).status_code == 415


def test_an_empty_array_is_accepted_and_stores_nothing(sender: Sender) -> None:
    response = sender.post([])

    assert json_of(response) == {"ok": True, "accepted": 0, "rejected": []}


def test_a_sample_of_what_was_refused_holds_no_secret(sender: Sender) -> None:
    sender.post(b'{"event": "a", "password": "hunter2", "mail": "user@example.com", ')
    sender.post([EVENT, {"password": "hunter2", "token": "abc123def456"}])

    samples = " ".join(IngestRejection.objects.values_list("sample", flat=True))
    assert "[Filtered]" in samples
    for secret in ("hunter2", "user@example.com", "abc123def456"):
        assert secret not in samples


class TestKeys:
    @pytest.mark.parametrize(
        "headers", [{"Authorization": "Bearer {key}"}, {"Authorization": "bearer {key}"}, {"X-Ingest-Key": "{key}"}]
    )
    def test_a_key_may_come_in_a_header(self, sender: Sender, headers: dict[str, str]) -> None:
        response = Client().post(
            "/api/analytics/track",
            data=orjson.dumps(EVENT),
            content_type="application/json",
            headers={name: value.format(key=sender.keys.secret) for name, value in headers.items()},
        )

        assert response.status_code == 200

    def test_a_beacon_sends_text_with_the_key_in_the_address(self, sender: Sender) -> None:
        response = Client().post(
            f"/api/analytics/track?key={sender.keys.public}",
            data=orjson.dumps(EVENT),
            content_type="text/plain;charset=UTF-8",
            headers={"Origin": "https://studentlift.org"},
        )

        assert response.status_code == 200
        assert response["Access-Control-Allow-Origin"] == "*"

    def test_no_key_is_401_and_a_wrong_one_403_and_both_say_what_to_do(self, sender: Sender) -> None:
        missing = Client().post("/api/analytics/track", data=b"{}", content_type="application/json")
        wrong = sender.post(EVENT, key="0" * 32)

        assert (missing.status_code, json_of(missing)["code"]) == (401, "missing_key")
        assert "X-Ingest-Key" in json_of(missing)["detail"]
        assert (wrong.status_code, json_of(wrong)["code"]) == (403, "unknown_key")
        assert set(IngestRejection.objects.values_list("service", "code")) == {
            (None, "missing_key"),
            (None, "unknown_key"),
        }

    @pytest.mark.parametrize("key", ["é" * 32, "\x00", "x" * 5000, "null"])
    def test_a_strange_key_is_403(self, sender: Sender, key: str) -> None:
        response = Client().post(
            "/api/analytics/track", query_params={"key": key}, data=b"{}", content_type="text/plain"
        )

        assert response.status_code == 403

    def test_a_revoked_key_is_refused_from_its_time_on(self, sender: Sender) -> None:
        key = IngestKey.objects.get(kind=KeyKind.SECRET)
        key.revoke(at=timezone.now() + timedelta(hours=1))
        assert sender.post(EVENT).status_code == 200

        key.revoke(at=timezone.now())

        response = sender.post(EVENT)
        assert (response.status_code, json_of(response)["code"]) == (403, "revoked_key")

    def test_rotating_gives_a_new_key_and_a_day_to_change_over(self, sender: Sender) -> None:
        key = IngestKey.objects.get(kind=KeyKind.SECRET)

        _, text = key.rotate(at=timezone.now())

        assert sender.post(EVENT).status_code == 200
        assert sender.post(EVENT, key=text).status_code == 200
        key.refresh_from_db()
        assert not key.is_usable(at=timezone.now() + timedelta(hours=25))

    def test_a_secret_key_is_nowhere_in_the_database(self, sender: Sender) -> None:
        key = IngestKey.objects.get(kind=KeyKind.SECRET)

        assert sender.keys.secret not in "".join(str(value) for value in key.__dict__.values())

    def test_its_use_is_noted(self, sender: Sender) -> None:
        sender.post(EVENT)

        key = IngestKey.objects.get(kind=KeyKind.SECRET)
        sender.service.refresh_from_db()
        assert key.last_used_at is not None
        assert sender.service.first_event_at == sender.service.last_event_at == key.last_used_at


class TestOrigins:
    @pytest.fixture
    def limited(self, sender: Sender) -> Sender:
        IngestKey.objects.filter(kind=KeyKind.PUBLIC).update(
            allowed_origins=["https://studentlift.org", "https://*.studentlift.org"]
        )
        return sender

    @pytest.mark.parametrize(
        ("origin", "status"),
        [
            ("https://studentlift.org", 200),
            ("https://app.studentlift.org", 200),
            ("HTTPS://STUDENTLIFT.ORG", 200),
            ("https://evil.example", 403),
            ("https://studentlift.org.evil.example", 403),
            ("https://evilstudentlift.org", 403),
            ("http://studentlift.org", 403),
            ("null", 403),
            ("", 200),
        ],
    )
    def test_a_browser_key_works_from_its_origins_alone(self, limited: Sender, origin: str, status: int) -> None:
        headers = {"Origin": origin} if origin else {}

        response = limited.post(EVENT, key=limited.keys.public, **headers)

        assert response.status_code == status
        # Also on errors: without it a page cannot read why it was refused.
        assert response["Access-Control-Allow-Origin"] == "*"

    def test_a_server_key_is_not_asked_for_its_origin(self, limited: Sender) -> None:
        assert limited.post(EVENT, Origin="https://evil.example").status_code == 200

    def test_the_preflight_is_answered_without_a_key(self) -> None:
        response = Client().options(
            "/api/analytics/track",
            headers={"Origin": "https://studentlift.org", "Access-Control-Request-Method": "POST"},
        )

        assert response.status_code == 204
        assert "POST" in response["Access-Control-Allow-Methods"]
        assert "authorization" in response["Access-Control-Allow-Headers"]


def test_an_ingest_request_costs_a_constant_number_of_queries(
    sender: Sender, django_assert_max_num_queries: Any
) -> None:
    sender.post(EVENT)

    with django_assert_max_num_queries(20):
        sender.post([EVENT] * 200)


def test_the_api_is_described(client: Client) -> None:
    response = client.get("/api/schema/", headers={"Accept": "application/json"})

    assert response.status_code == 200
    schema = response.content.decode()
    assert "/api/analytics/track" in schema
    assert "ingestKey" in schema


def test_a_key_over_its_limit_is_told_when_to_come_back(sender: Sender) -> None:
    IngestKey.objects.filter(kind=KeyKind.SECRET).update(rate_limit=3)
    first = sender.post([EVENT, EVENT])
    second = sender.post([EVENT, EVENT])

    refused = sender.post(EVENT)

    assert (first.status_code, second.status_code, refused.status_code) == (200, 200, 429)
    assert first["RateLimit-Policy"] == '"key";q=3;w=60'
    assert first["RateLimit"].startswith('"key";r=1;t=')
    assert refused["RateLimit"].startswith('"key";r=0;t=')
    assert 1 <= int(refused["Retry-After"]) <= 120
    assert json_of(refused)["code"] == "key_rate_limited"
    assert IngestRejection.objects.get().code == "key_rate_limited"
    assert Event.objects.count() == 4


def test_a_service_over_its_limit_is_refused_whatever_key_it_uses(sender: Sender) -> None:
    sender.service.rate_limit = 1
    sender.service.save()

    # More than the limit, so that it is still used up when a minute begins in between.
    assert sender.post([EVENT, EVENT]).status_code == 200
    assert sender.post(EVENT, key=sender.keys.public).status_code == 429


def test_an_answer_without_limits_has_no_rate_headers(sender: Sender) -> None:
    response = sender.post(EVENT)

    assert not response.has_header("RateLimit")
    assert not response.has_header("Retry-After")
