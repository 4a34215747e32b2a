from typing import Any

import pytest

from events.ingest.fingerprint import fingerprint
from events.ingest.stacktrace import parse_stack
from events.ingest.types import ExceptionValue, Frame, IncomingEvent, Severity
from tests.events.ingest.failures import SAME_CAUSE, UUID, counted, event, frame, hash_of, part_of, raised
from tests.events.ingest.stacks import PYTHON


@pytest.mark.parametrize(("name", "pair"), SAME_CAUSE.items(), ids=SAME_CAUSE.keys())
def test_it_groups_the_same_failure_of_the_guide(name: str, pair: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert hash_of(name, **pair[0]) == hash_of(name, **pair[1])


def test_it_keeps_the_failures_of_the_guide_apart() -> None:
    hashes = {hash_of(name, **pair[0]) for name, pair in SAME_CAUSE.items()}

    assert len(hashes) == len(SAME_CAUSE)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(event("ai_failure", message="down"), event("formspree_failure", message="down"), id="name"),
        pytest.param(
            event("slow_endpoint", endpoint="/api/a"), event("slow_endpoint", endpoint="/api/b"), id="endpoint"
        ),
        pytest.param(event(message="No such price"), event(message="No such plan"), id="message"),
        pytest.param(event(message="HTTP 429"), event(message="HTTP 500"), id="status code"),
        pytest.param(
            event("ai_failure", message="timeout", data={"ai_provider": "openai"}),
            event("ai_failure", message="timeout", data={"ai_provider": "anthropic"}),
            id="provider",
        ),
        pytest.param(event("x", data={"feature": "career"}), event("x", data={"feature": "cards"}), id="feature alone"),
        pytest.param(event(exception=raised(frame("a"))), event(exception=raised(frame("b"))), id="function"),
        pytest.param(
            event(exception=raised(frame(filename="/app/a.js"))),
            event(exception=raised(frame(filename="/app/b.js"))),
            id="file",
        ),
        pytest.param(
            event(exception=raised(frame())),
            event(exception=raised(frame(), type_name="RangeError")),
            id="exception type",
        ),
        pytest.param(
            event(exception=[*raised(type_name="KeyError"), *raised(frame())]),
            event(exception=raised(frame())),
            id="cause",
        ),
        pytest.param(event(exception=raised(value="a")), event(exception=raised(value="b")), id="value without frames"),
    ],
)
def test_it_keeps_different_causes_apart(first: IncomingEvent, second: IncomingEvent) -> None:
    assert fingerprint(first).hash != fingerprint(second).hash


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param([frame(lineno=3, colno=1)], [frame(lineno=99)], id="lines"),
        pytest.param(
            [frame()], [frame("render", "/app/node_modules/react/x.js", in_app=False), frame()], id="libraries"
        ),
        pytest.param(
            [frame("walk"), frame("leaf")], [frame("walk"), frame("walk"), frame("walk"), frame("leaf")], id="recursion"
        ),
        pytest.param(
            [frame("t", "https://lift.example/_next/static/chunks/pages/_app-4f5e6d7c8b9a0123.js")],
            [frame("t", "https://lift.example/_next/static/chunks/pages/_app-0a1b2c3d4e5f6789.js?v=2")],
            id="bundle hash",
        ),
        pytest.param(
            [frame("t", "/assets/index-DiwrgTda.js")], [frame("t", "/assets/index-BkX3j9aQ.js")], id="vite hash"
        ),
        pytest.param([frame("t", "main.3f2a9c1b.chunk.js")], [frame("t", "main.77aa0c1d.chunk.js")], id="webpack hash"),
        pytest.param([frame("t", "8712-3f2a9c1b.js")], [frame("t", "901-77aa0c1d.js")], id="chunk number"),
        pytest.param([frame(filename="C:\\lift\\Career.js")], [frame(filename="/srv/lift/career.js")], id="folders"),
        pytest.param(
            [frame("run", module="a.B$$Lambda$14/0x0000000800c03000")],
            [frame("run", module="a.B$$Lambda$99/0x00000008aac03abc")],
            id="generated class",
        ),
        pytest.param([frame("lambda$pay$0", module="a.B")], [frame("lambda$pay$3", module="a.B")], id="java lambda"),
        pytest.param([frame("block in show")], [frame("block (2 levels) in show")], id="ruby block"),
        pytest.param([frame("main.func1")], [frame("main.func2.1")], id="go closure"),
        pytest.param([frame("async load")], [frame("Object.load")], id="call marks"),
        pytest.param([frame("_show_erb__123_456")], [frame("_show_erb__987_65")], id="template numbers"),
    ],
)
def test_it_ignores_what_changes_with_every_release(first: list[Frame], second: list[Frame]) -> None:
    assert hash_of(exception=raised(*first)) == hash_of(exception=raised(*second))


def test_it_counts_module_or_file_and_function_of_in_app_frames_only() -> None:
    result = fingerprint(event(exception=parse_stack(PYTHON)))

    assert counted(result) == [
        ("event name", "client_error"),
        ("exception type", "KeyError"),
        ("exception type", "Broken"),
        ("in-app frame", "views.py:<module>"),
    ]
    assert part_of(result, "frame")["why"] == "ignored: not in-app"
    assert part_of(result, "exception value")["why"] == "ignored: the frames tell where it happened"
    assert part_of(result, "in-app frame")["why"] == "line numbers are never used"


def test_it_counts_all_frames_when_none_is_in_app_and_says_so() -> None:
    result = fingerprint(event(exception=raised(frame("a", in_app=False), frame("b", in_app=False))))

    assert counted(result)[-2:] == [("frame", "career.js:a"), ("frame", "career.js:b")]
    assert part_of(result, "frame")["why"].startswith("no frame is in-app, so all frames count")


def test_it_counts_the_twenty_frames_nearest_the_crash() -> None:
    result = fingerprint(event(exception=raised(*(frame(f"f{chr(97 + index)}") for index in range(26)))))

    frames = [text for part, text in counted(result) if part == "in-app frame"]
    assert (len(frames), frames[0], frames[-1]) == (20, "career.js:fg", "career.js:fz")


@pytest.mark.parametrize(
    "function", ["", "?", "<anonymous>", "<lambda>", "Object.<anonymous>", "{closure}", "{closure:A::b():12}"]
)
def test_it_uses_the_source_line_of_an_anonymous_function(function: str) -> None:
    result = fingerprint(event(exception=raised(frame(function, context_line="  return  user.name ;"))))

    part = part_of(result, "in-app frame")
    assert part["normalised"] == "career.js:return user.name ;"
    assert part["why"] == "function name is anonymous, context line used instead"


def test_it_does_not_use_a_long_source_line() -> None:
    part = part_of(fingerprint(event(exception=raised(frame("?", context_line="x" * 121)))), "in-app frame")

    assert part["normalised"] == "career.js:<anonymous>"
    assert "too long" in part["why"]


def test_it_falls_back_to_the_value_when_no_frame_can_be_used() -> None:
    result = fingerprint(event(exception=raised(Frame(in_app=True, lineno=3), value="no user 17\nsecond line")))

    assert counted(result)[1:] == [("exception type", "TypeError"), ("exception value", "no user <int>")]


@pytest.mark.parametrize("exception", [{"value": "boom 17", "type": "Error", "synthetic": True}, {"value": "boom 17"}])
def test_it_treats_made_up_exceptions_as_messages(exception: ExceptionValue) -> None:
    exception["frames"] = [frame()]
    result = fingerprint(event(exception=[exception]))

    assert counted(result) == [("event name", "client_error"), ("message", "boom <int>")]
    assert result.title == "client_error: boom 17"


def test_it_counts_frames_without_a_type_when_there_is_no_message() -> None:
    result = fingerprint(event("api_error", exception=[{"frames": [frame()]}], endpoint="/api/career"))

    assert counted(result) == [("event name", "api_error"), ("in-app frame", "career.js:load")]
    assert (result.title, result.culprit) == ("api_error", "app/pages/career.js in load")


def test_it_ignores_the_endpoint_of_an_exception() -> None:
    result = fingerprint(event(exception=raised(frame()), endpoint="/api/career"))

    assert result.hash == hash_of(exception=raised(frame()), endpoint="/api/other")
    assert part_of(result, "endpoint")["contributes"] is False


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("/api/users/123", "/api/users/<int>"),
        (f"/api/users/{UUID}/plan", "/api/users/<uuid>/plan"),
        ("/api/career/?token=[Filtered]#top", "/api/career"),
        ("POST /api/v2/users/7", "POST /api/v2/users/<int>"),
        ("https://lift.example/api/a?b=c", "/api/a"),
        ("https://lift.example", "lift.example"),
        ("/", "/"),
        ("/api/auth/[...nextauth]", "/api/auth/[...nextauth]"),
    ],
)
def test_it_replaces_the_ids_of_an_endpoint(endpoint: str, expected: str) -> None:
    assert part_of(fingerprint(event(endpoint=endpoint)), "endpoint")["normalised"] == expected


def test_it_prefers_the_template_to_the_message() -> None:
    result = fingerprint(event(message="user ann failed", message_template="user %s failed"))

    assert counted(result)[-1] == ("message template", "user %s failed")
    assert part_of(result, "message")["why"] == "ignored: the template is used instead"


def test_it_uses_the_first_two_lines_of_a_message() -> None:
    assert hash_of(message="\n one \n\n two \n three") == hash_of(message="one\ntwo\nfour")
    assert hash_of(message="one\ntwo") != hash_of(message="one\n2nd")


def test_it_ignores_a_name_that_says_nothing_unless_there_is_nothing_else() -> None:
    assert counted(fingerprint(event("error", message="boom"))) == [("message", "boom")]
    assert counted(fingerprint(event("error"))) == [("event name", "error")]


@pytest.mark.parametrize(
    "fields",
    [
        {"severity": Severity.CRITICAL},
        {"release": "2.0.1"},
        {"environment": "staging"},
        {"user_hash": "a" * 32},
        {"session_id": "s"},
        {"tags": {"browser": "Safari"}},
        {"duration_ms": 3.0},
        {"breadcrumbs": [{"message": "click"}]},
    ],
)
def test_it_never_counts_how_bad_where_and_for_whom(fields: dict[str, Any]) -> None:
    assert hash_of(message="boom", **fields) == hash_of(message="boom")


# --- The client's own fingerprint


def test_it_lets_the_client_decide() -> None:
    result = fingerprint(event(message="boom", fingerprint=["payments", "declined"]))

    assert result.hash == hash_of("other", exception=raised(frame()), fingerprint=["payments", "declined"])
    assert counted(result) == [("client fingerprint", "payments"), ("client fingerprint", "declined")]
    assert part_of(result, "message")["why"] == "ignored: the client gave its own fingerprint"


@pytest.mark.parametrize("entries", [["{{ default }}"], ["{{default}}"], [" {{ default }} "], [""], [" "]])
def test_it_uses_the_default_grouping_when_the_client_asks_for_it(entries: list[str]) -> None:
    assert hash_of(message="boom", fingerprint=entries) == hash_of(message="boom")


def test_it_refines_the_default_grouping() -> None:
    result = fingerprint(event(message="boom", fingerprint=["{{ default }}", "tenant-a"]))

    assert counted(result) == [("event name", "client_error"), ("message", "boom"), ("client fingerprint", "tenant-a")]
    assert result.hash != hash_of(message="boom", fingerprint=["{{default}}", "tenant-b"])


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{{ type }}", "TypeError"),
        ("{{error.value}}", "no user <int>"),
        ("{{ message }}", "boom <int>"),
        ("{{ function }} in {{ module }}", "load in app.career"),
        ("{{ stack.filename }}", "/app/pages/career.js"),
        ("{{ transaction }}", "/api/users/<int>"),
        ("{{ endpoint }}", "/api/users/<int>"),
        ("{{ level }}", "error"),
        ("{{ tags.tenant }}/{{ tags.none }}", "acme/<no-tags.none>"),
        ("{{ event }}", "api_error"),
        ("{{ unknown }} {{", "{{ unknown }} {{"),
    ],
)
def test_it_fills_in_the_variables_of_a_client_fingerprint(entry: str, expected: str) -> None:
    result = fingerprint(
        event(
            "api_error", message="boom 5", endpoint="/api/users/5", severity=Severity.ERROR, tags={"tenant": "acme"},
            exception=raised(frame(module="app.career"), value="no user 17"), fingerprint=[entry],
        )
    )  # fmt: skip

    assert counted(result) == [("client fingerprint", expected)]


def test_it_names_a_missing_value() -> None:
    assert counted(fingerprint(event(fingerprint=["{{ type }}{{ transaction }}"])))[0][1] == "<no-type><no-transaction>"
