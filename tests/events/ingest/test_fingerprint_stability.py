import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ingest.fingerprint import FINGERPRINT_VERSION, explain, fingerprint
from events.ingest.stacktrace import parse_stack
from events.ingest.types import Frame, IncomingEvent
from tests.events.ingest.failures import SAME_CAUSE, event, hash_of, raised
from tests.events.ingest.stacks import STACKS

# The hashes of version 1. When one of these changes, every stored issue would fall apart: raise FINGERPRINT_VERSION instead.
GOLDEN = {
    "v8": "61856320ca5e1ad59096e0e8b9bfe2b6",
    "node crash": "f9c4f18380f3e6a638ed42e5f64b12fc",
    "firefox": "f463cf25c952de9cc2c00c89ff772432",
    "python": "3683727e56c4561b90f8462762403d68",
    "python cause": "af3a20325bd9eaae37b35fa32d759a58",
    "python group": "de2c640a9ccfbb41acdad6b69212d138",
    "java": "03e41b6e9f235a3fb15dfd3e75b29c88",
    "go": "ff0159df0cca68738b1acca1d699bd5a",
    "ruby": "159df4c8cb175656a907ab078ef9aecf",
    "rails": "5cfa4f9ddd63877cc94369af5e820844",
    "php": "3ca9dbdd62fd03ed81150cfe9de9ec76",
    "dotnet": "e7c112955a80f041722593b425dd59cd",
    "db_pool_error": "0cee9d55b6cc5b2006665b8509803832",
    "auth_system_failure": "6c5336d387af73b5f23ed6abfa436f0e",
    "stripe_checkout_error": "b93c6b918cadc53935dcf00802b0fe28",
    "cascade_failure_detected": "aeaefbf71caf9dc4a26fcb15c1cd9161",
    "security_incident_lockout": "4ed66b3b6a92385f4447931c8bc1d15f",
    "ai_failure": "69a60dece6573ff73251bdd1eea76922",
    "session_stabilization_failure": "fcfe3fb1d99a7f0facd03bb258a79cce",
    "beta_register_rate_limited": "da087a542293c653ce884f58fe5c4eb0",
    "formspree_failure": "39e5c17450ad22e227c1a14c23a2c5e6",
    "data_consistency_error": "f3948e572bb95c9241c4fedd107002df",
    "slow_endpoint": "10a52203d30b4d1bd6400333342cb637",
    "api_timeout": "7e003c58c83147bd4c19d33ec75b8a3c",
    "client_error": "37e1f435337cbd057fea613eaf986443",
    "error": "5b7060b2e4e14ce0f6f90964b10f52bb",
    "client fingerprint": "92399d65a790755f67968af92fce9933",
}


def test_it_is_version_one() -> None:
    result = fingerprint(event(message="boom"))

    assert (FINGERPRINT_VERSION, result.version) == (1, 1)
    assert len(result.hash) == 32
    assert set(result.hash) <= set("0123456789abcdef")


@pytest.mark.parametrize("name", STACKS)
def test_it_keeps_the_hashes_of_version_one_for_stacks(name: str) -> None:
    assert hash_of("api_error", exception=parse_stack(STACKS[name][0])) == GOLDEN[name]


@pytest.mark.parametrize("name", SAME_CAUSE)
def test_it_keeps_the_hashes_of_version_one_for_the_guide(name: str) -> None:
    assert hash_of(name, **SAME_CAUSE[name][0]) == GOLDEN[name]


def test_it_keeps_the_hash_of_version_one_for_a_client_fingerprint() -> None:
    assert hash_of(message="boom", fingerprint=["{{ default }}", "tenant-a"]) == GOLDEN["client fingerprint"]


TEXT = st.text(max_size=60) | st.sampled_from(
    ["user 17", "{{ default }}", "{{ type }}", "https://x.org/a?b=1", "\ud800"]
)
FRAMES = st.fixed_dictionaries(
    {},
    optional={
        "function": TEXT,
        "module": TEXT,
        "filename": TEXT,
        "context_line": TEXT,
        "in_app": st.booleans(),
        "lineno": st.integers(0, 9),
    },
)
EXCEPTIONS = st.fixed_dictionaries(
    {}, optional={"type": TEXT, "value": TEXT, "synthetic": st.booleans(), "frames": st.lists(FRAMES, max_size=4)}
)
EVENTS = st.builds(
    event,
    name=TEXT,
    message=TEXT,
    message_template=TEXT,
    endpoint=TEXT,
    exception=st.lists(EXCEPTIONS, max_size=3),
    fingerprint=st.lists(TEXT, max_size=3),
    tags=st.dictionaries(TEXT, TEXT, max_size=2),
    data=st.dictionaries(st.sampled_from(["feature", "provider", "ai_provider"]), TEXT | st.integers() | st.none()),
)


@given(EVENTS)
def test_it_fingerprints_anything_the_same_way_twice(incoming: IncomingEvent) -> None:
    first, second = fingerprint(incoming), fingerprint(incoming)

    assert first == second
    assert 0 < len(first.title) <= 200
    assert len(first.culprit) <= 200
    assert any(part["contributes"] for part in first.parts)
    assert explain(first.parts).endswith(".")


@pytest.mark.parametrize(
    "unit", ["a", "1.", "[email]", "{{ ", "{{ type }}", "\n", "a b ", "://", "$$Lambda", "-1a", "block in "]
)
def test_it_takes_linear_time_on_hostile_events(unit: str) -> None:
    text = (unit * 65_536)[:65_536]
    hostile = Frame(function=text, module=text, filename=text, context_line=text, in_app=True)

    started = time.process_time()
    fingerprint(event(text, message=text, endpoint=text, message_template=text, fingerprint=["{{ default }}", text]))
    fingerprint(event(text, exception=raised(*[hostile] * 100, type_name=text, value=text)))

    assert time.process_time() - started < 10
