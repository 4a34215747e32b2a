import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ingest.stacktrace import parse_stack, read_exception
from tests.events.ingest.stacks import NODE_CRASH, V8

SENTRY_FRAME = {"filename": "app.js", "function": "f", "lineno": 3, "colno": 7, "in_app": False}


@pytest.mark.parametrize(
    "value",
    [
        {"values": [{"type": "TypeError", "value": "x", "stacktrace": {"frames": [SENTRY_FRAME, None, {}]}}, None]},
        [{"type": "TypeError", "value": "x", "stacktrace": {"frames": [SENTRY_FRAME]}}],
        {"type": "TypeError", "value": "x", "stacktrace": {"frames": [SENTRY_FRAME]}},
        {"values": {"type": "TypeError", "value": "x", "frames": [SENTRY_FRAME]}},
        {"name": "TypeError", "message": "x", "frames": [SENTRY_FRAME | {"lineno": "3", "colno": 7.0}]},
    ],
)
def test_it_reads_every_form_of_an_exception(value: object) -> None:
    assert read_exception(value) == [{"type": "TypeError", "value": "x", "frames": [SENTRY_FRAME]}]


def test_it_reads_a_list_of_frames() -> None:
    assert read_exception([None, SENTRY_FRAME]) == [{"frames": [SENTRY_FRAME]}]


def test_it_reads_an_exception_whose_stack_is_text() -> None:
    [read] = read_exception({"type": "RangeError", "value": "Invalid count", "stack": NODE_CRASH})

    assert read["type"] == "RangeError"
    assert [frame["function"] for frame in read["frames"]] == ["start"]


def test_it_reads_a_stack_in_place_of_an_exception() -> None:
    assert read_exception(V8) == parse_stack(V8)


def test_it_reads_exceptions_that_are_only_text() -> None:
    assert read_exception({"values": ["boom", 5, None]}) == [{"value": "boom"}]


def test_it_keeps_everything_that_a_frame_brings() -> None:
    frame = {
        "function": "f", "module": "app.a", "filename": "/app/a.py", "lineno": 3, "colno": 1, "in_app": True,
        "context_line": "  x = 1", "pre_context": [str(line) for line in range(12)], "post_context": ["y", "z"],
        "vars": {"x": [1]},
    }  # fmt: skip

    [read] = read_exception([{"type": "E", "module": "app.errors", "stacktrace": {"frames": [frame]}}])

    expected = frame | {"pre_context": [str(line) for line in range(2, 12)]}
    assert read == {"type": "E", "module": "app.errors", "frames": [expected]}


def test_it_repairs_wrong_types() -> None:
    frame = {
        "filename": 5, "abs_path": "/app/a.py", "function": None, "lineno": True, "colno": -1, "in_app": "yes",
        "context_line": ["x"], "pre_context": ["a", None], "post_context": "b", "vars": {1: [2]}, "module": "",
    }  # fmt: skip

    [read] = read_exception({"type": 7, "value": {"a": 1}, "module": None, "stacktrace": {"frames": [frame, "x", 3]}})

    assert read == {
        "type": "7",
        "value": "{'a': 1}",
        "frames": [{"filename": "5", "pre_context": ["a", ""], "vars": {"1": [2]}, "in_app": True}],
    }


def test_it_keeps_what_the_mechanism_says() -> None:
    [read] = read_exception({"value": "hello", "mechanism": {"synthetic": True, "handled": False, "type": "generic"}})

    assert read == {"value": "hello", "synthetic": True, "handled": False}


def test_it_decides_in_app_where_the_client_did_not() -> None:
    [read] = read_exception([{"type": "E", "frames": [{"filename": "node_modules/x.js"}, {"filename": "src/x.js"}]}])

    assert [frame["in_app"] for frame in read["frames"]] == [False, True]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(
                [
                    "values",
                    "type",
                    "value",
                    "stacktrace",
                    "frames",
                    "mechanism",
                    "filename",
                    "function",
                    "lineno",
                    "vars",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_it_reads_any_json_without_raising(value: object) -> None:
    for one in read_exception(value):
        assert one
        assert isinstance(one.get("type", ""), str)
        assert isinstance(one.get("value", ""), str)
        for frame in one.get("frames", []):
            assert isinstance(frame["in_app"], bool)
            assert isinstance(frame.get("lineno", 0), int)


def test_it_survives_integers_that_cannot_be_printed() -> None:
    assert read_exception({"type": 10**5_000, "value": "x"}) == [{"value": "x"}]
    assert read_exception({"type": [10**5_000], "value": "x"}) == [{"value": "x"}]
