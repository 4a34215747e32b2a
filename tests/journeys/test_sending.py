"""Clients as they are, to the server that we ship: what Django's test client cannot show."""

import http.client
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.journeys.running import RunningLiftmon

pytestmark = pytest.mark.journey
PATH = "/api/analytics/track"


@pytest.fixture(scope="module")
def service(liftmon: RunningLiftmon) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(liftmon.manage("createservice", "lift api", "--json").stdout)
    return made


def curl(*arguments: str, body: str = "") -> tuple[int, str]:
    done = subprocess.run(
        ["curl", "-sS", "-w", "\n%{http_code}", *arguments], input=body, capture_output=True, text=True, check=True
    )
    text, _, code = done.stdout.rpartition("\n")
    return int(code), text


def test_a_chunked_body_arrives_whole(liftmon: RunningLiftmon, service: dict[str, Any]) -> None:
    """Node's fetch and SDKs send so; many WSGI servers read nothing of it."""
    events = [{"event": "feature_used", "data": {"feature": "flashcards", "filler": "x" * 2_000}} for _ in range(600)]

    code, answer = curl(
        f"{liftmon.url}{PATH}", "-H", f"X-Ingest-Key: {service['secret_key']}", "-H", "Transfer-Encoding: chunked",
        "-H", "Expect:", "--data-binary", "@-", body=json.dumps(events),
    )  # fmt: skip

    assert (code, json.loads(answer)["accepted"]) == (200, 600)


def test_a_chunked_body_over_the_limit_is_413_and_the_connection_answers(
    liftmon: RunningLiftmon, service: dict[str, Any]
) -> None:
    code, answer = curl(
        f"{liftmon.url}{PATH}", "-H", f"X-Ingest-Key: {service['secret_key']}", "-H", "Transfer-Encoding: chunked",
        "-H", "Expect:", "--data-binary", "@-", body='{"event": "a", "data": "' + "x" * 6_000_000 + '"}',
    )  # fmt: skip

    assert (code, json.loads(answer)["code"]) == (413, "too_large")


def test_a_gzipped_file_of_lines_arrives(liftmon: RunningLiftmon, service: dict[str, Any]) -> None:
    line = '{"event": "cache_performance", "data": {"hit": true}}'
    send = (
        f"curl -sS '{liftmon.url}{PATH}?key={service['public_key']}' -H 'Content-Encoding: gzip' "
        "-H 'Content-Type: application/x-ndjson' --data-binary @-"
    )

    done = subprocess.run(
        ["bash", "-c", f"for n in $(seq 100); do echo '{line}'; done | gzip | {send}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["accepted"] == 100


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js: apt install nodejs")
def test_the_guides_hook_sends_from_node(liftmon: RunningLiftmon, service: dict[str, Any]) -> None:
    script = f"""
        fetch('{liftmon.url}{PATH}', {{
          method: 'POST',
          headers: {{ 'X-Ingest-Key': '{service["public_key"]}' }},
          body: JSON.stringify({{ event: 'client_error', data: {{
            message: 'Cannot read properties of undefined', context: {{ page: '/x' }}, stack: new Error('boom').stack,
            userAgent: 'node' }} }}),
        }}).then(async (answer) => console.log(answer.status, await answer.text()));
    """
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True)

    assert done.stdout.startswith('200 {"ok":true')
    assert liftmon.query("SELECT count(*) FROM events_issue WHERE title LIKE 'Error: boom%'") == [(1,)]


def test_a_body_that_stops_half_way_is_refused_and_nothing_of_it_stored(
    liftmon: RunningLiftmon, service: dict[str, Any]
) -> None:
    before = liftmon.query("SELECT count(*) FROM events_event")
    connection = http.client.HTTPConnection("127.0.0.1", liftmon.port, timeout=10)
    connection.putrequest("POST", PATH)
    connection.putheader("Content-Length", "1000")
    connection.putheader("X-Ingest-Key", service["secret_key"])
    connection.endheaders()
    connection.send(b'{"event": "half')
    connection.close()

    request = urllib.request.Request(
        f"{liftmon.url}{PATH}", data=b'{"event": "a"}', headers={"X-Ingest-Key": service["secret_key"]}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    ((count,),) = liftmon.query("SELECT count(*) FROM events_event")
    assert count == before[0][0] + 1  # type: ignore[operator]


def test_hostile_bodies_get_a_4xx_from_the_real_server(liftmon: RunningLiftmon, service: dict[str, Any]) -> None:
    for body in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b'"text"', b"nul\x00"):
        request = urllib.request.Request(
            f"{liftmon.url}{PATH}", data=body, headers={"X-Ingest-Key": service["secret_key"]}, method="POST"
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=10)
        with refused.value as answer:
            assert 400 <= answer.code < 500
            assert json.load(answer)["detail"]
