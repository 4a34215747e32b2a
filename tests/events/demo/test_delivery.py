import socket

import orjson
import pytest

from events.demo import delivery
from events.demo.delivery import Answer, Connection, Door, RefusedError, TryAgainError, deliver, pause_seconds
from events.demo.documents import Document, Source
from tests.events.demo.conftest import FakeServer
from tests.events.demo.fortnights import fortnight

_BUSY = (503, {"Retry-After": "0"}, b'{"detail": "Busy."}')


def _post(door: Door, *documents: Document) -> Answer:
    with Connection(door) as connection:
        return connection.post(documents)


def _post_patiently(door: Door, *documents: Document) -> Answer:
    with Connection(door) as connection:
        return connection.post_patiently(documents)


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "_PATIENCE_SECONDS", 0.3)


def test_it_delivers_every_event_once_in_batches(server: FakeServer) -> None:
    events = fortnight(size=3_000)
    told: list[int] = []

    answer = deliver(events, dict.fromkeys(Source, server.door), advance=told.append)

    assert answer.accepted == len(events) == sum(told)
    assert sorted(one["event_id"] for one in server.events) == sorted(one.document["event_id"] for one in events)
    assert max(len(batch) for batch in server.batches) == 1_000
    assert len(server.batches) == -(-len(events) // 1_000)


def test_it_sends_each_source_to_its_own_door(server: FakeServer) -> None:
    doors = {Source.WEB: Door(server.url, "w" * 32), Source.API: Door(server.url, "a" * 32)}

    deliver(fortnight(size=3_000), doors, advance=lambda _: None)

    assert {headers["Authorization"] for headers in server.headers} == {"Bearer " + "w" * 32, "Bearer " + "a" * 32}
    for batch in server.batches:
        assert (
            len({document["event"] == "client_error" or document["event"] == "feature_used" for document in batch}) <= 2
        )


def test_it_posts_gzipped_json_to_the_ingest_path(server: FakeServer) -> None:
    _post(server.door, {"event": "api_timeout"})
    _post(Door(server.url + "/api/analytics/track", "k"), {"event": "api_timeout"})

    assert [headers["path"] for headers in server.headers] == ["/api/analytics/track"] * 2
    assert server.headers[0]["Content-Encoding"] == "gzip"
    assert server.events == [{"event": "api_timeout"}] * 2


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_it_sends_again_when_the_server_is_busy(server: FakeServer, status: int) -> None:
    server.script = [(status, {"Retry-After": "0"}, b"")]

    answer = _post_patiently(server.door, {"event": "api_timeout"})

    assert answer.accepted == 1
    assert len(server.headers) == 2


def test_it_waits_as_long_as_the_server_asks() -> None:
    assert pause_seconds(TryAgainError("busy", 7.0), 0) == 7.0
    assert pause_seconds(TryAgainError("busy", 3600.0), 0) == 30.0
    assert [pause_seconds(TryAgainError("away"), attempt) for attempt in (0, 1, 2, 50)] == [0.25, 0.5, 1.0, 30.0]


def test_it_reads_retry_after(server: FakeServer) -> None:
    server.script = [(503, {"Retry-After": "12"}, b'{"detail": "The database cannot be reached."}')]

    with pytest.raises(TryAgainError, match="answered 503: The database cannot be reached") as caught:
        _post(server.door, {"event": "api_timeout"})

    assert caught.value.after_seconds == 12.0


@pytest.mark.usefixtures("no_patience")
def test_it_gives_up_in_the_end(server: FakeServer) -> None:
    server.script = [_BUSY] * 100

    with pytest.raises(RefusedError, match=r"Gave up .* answered 503: Busy"):
        _post_patiently(server.door, {"event": "api_timeout"})


@pytest.mark.usefixtures("no_patience")
def test_it_says_that_nothing_answers() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(RefusedError, match="does not answer"):
        _post_patiently(Door(url, "k"), {"event": "api_timeout"})


def test_it_does_not_send_again_what_is_refused(server: FakeServer) -> None:
    server.script = [(403, {}, b'{"detail": "This key was revoked."}')]

    with pytest.raises(RefusedError, match="answered 403: This key was revoked"):
        _post_patiently(server.door, {"event": "api_timeout"})

    assert len(server.headers) == 1


def test_it_stops_the_delivery_at_the_first_refusal(server: FakeServer) -> None:
    server.script = [(403, {}, b"{}")] * 1_000

    with pytest.raises(RefusedError):
        deliver(fortnight(size=20_000), dict.fromkeys(Source, server.door), advance=lambda _: None)

    assert len(server.headers) < 12


def test_it_tells_which_events_were_rejected(server: FakeServer) -> None:
    rejected = [{"index": 0, "code": "too_deep", "detail": "Flatten it."}]
    server.script = [(200, {}, orjson.dumps({"ok": True, "accepted": 1, "rejected": rejected}))]

    answer = _post(server.door, {"event": "a"}, {"event": "b"})

    assert (answer.accepted, answer.rejected) == (1, ["too_deep: Flatten it."])


def test_it_notices_an_address_that_is_not_liftmon(server: FakeServer) -> None:
    server.script = [(200, {}, b"<html>Welcome</html>")]

    with pytest.raises(RefusedError, match="not Liftmon's"):
        _post(server.door, {"event": "a"})


@pytest.mark.parametrize("url", ["ftp://example.org", "example.org", ""])
def test_it_refuses_an_address_that_is_none(url: str) -> None:
    with pytest.raises(RefusedError, match="not a http or https address"):
        Connection(Door(url, "k"))
