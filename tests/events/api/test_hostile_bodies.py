"""A thousand bodies that mean no good: none makes a 5xx, and what is acknowledged is there."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.models import Event
from tests.events.conftest import Sender
from tests.events.ingest.protocols.test_track import FIELDS
from tests.events.ingest.test_repair import json_values

pytestmark = pytest.mark.django_db


def dumps(value: Any) -> bytes:
    """JSON as careless clients write it: NaN, NUL and lone surrogates included."""
    return json.dumps(value).encode("utf-8", "surrogatepass")


names = st.sampled_from([*FIELDS, "event", "x\x00y", "__proto__"]) | st.text(st.characters(codec=None), max_size=5)
hostile_events = st.dictionaries(names, json_values, max_size=6)
hostile_bodies = st.one_of(
    st.binary(max_size=300),
    hostile_events.map(dumps),
    hostile_events.map(lambda event: dumps({**event, "event": "known"})),
    st.lists(hostile_events, max_size=5).map(dumps),
    st.lists(hostile_events.map(dumps), max_size=4).map(b"\n".join),
    st.integers(1, 200_000).map(lambda depth: b'{"event":"a","data":' + b"[" * depth + b"]" * depth + b"}"),
    st.integers(1, 20_000).map(lambda digits: b'{"event":"a","data":{"n":' + b"9" * digits + b"}}"),
    st.tuples(hostile_events.map(dumps), st.integers(0, 40)).map(lambda pair: pair[0][: -pair[1] or None]),
)


@given(body=hostile_bodies, compression=st.sampled_from(["", "gzip", "cut gzip", "lies"]))
@settings(max_examples=1_000, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_body_makes_a_server_error_and_nothing_acknowledged_is_lost(
    sender: Sender, body: bytes, compression: str
) -> None:
    before = Event.objects.count()
    headers, sent = {}, body
    if compression in ("gzip", "cut gzip"):
        headers["Content-Encoding"] = "gzip"
        sent = gzip.compress(body)
        sent = sent[:-4] if compression == "cut gzip" else sent
    elif compression == "lies":
        headers["Content-Encoding"] = "br"

    response: Any = sender.post(sent, **headers)

    assert response.status_code in (200, 400, 413)
    accepted = response.json()["accepted"] if response.status_code == 200 else 0
    stored = Event.objects.count() - before
    if b"event_id" in body:
        # A client's id may stand twice in a body, or in an earlier one: a repeat is accepted and not stored again.
        assert stored <= accepted
    else:
        assert stored == accepted
