import pytest

from events.ingest.fingerprint import explain, fingerprint
from events.ingest.stacktrace import parse_stack
from events.ingest.types import IncomingEvent
from tests.events.ingest.failures import event, frame, raised
from tests.events.ingest.stacks import JAVA, V8


@pytest.mark.parametrize(
    ("incoming", "title", "culprit"),
    [
        (
            event(exception=parse_stack(V8)),
            "TypeError: Cannot read properties of undefined (reading 'map')",
            "app/pages/career.js in renderList",
        ),
        (event(exception=parse_stack(JAVA)), "IllegalStateException: checkout failed", "com.lift.Shop in pay"),
        (event(exception=raised(value="\n\nfirst\nsecond")), "TypeError: first", ""),
        (event(exception=raised(value=""), message="said so"), "TypeError: said so", ""),
        (event(exception=raised(value="")), "TypeError", ""),
        (event("stripe_checkout_error", message="No such price"), "stripe_checkout_error: No such price", ""),
        (event("error", message="boom"), "boom", ""),
        (event("slow_endpoint", endpoint="/api/a/7?b=c"), "slow_endpoint", "/api/a/<int>"),
        (event("ai_failure", message="timeout", data={"ai_provider": "openai"}), "ai_failure: timeout", "openai"),
        (event("x", message="y" * 500), "x: " + "y" * 196 + "…", ""),
        (event("", message=""), "Unnamed event", ""),
    ],
)
def test_it_names_the_issue_and_the_culprit(incoming: IncomingEvent, title: str, culprit: str) -> None:
    result = fingerprint(incoming)

    assert (result.title, result.culprit) == (title, culprit)


def test_it_names_the_in_app_frame_nearest_the_crash() -> None:
    frames = (frame("ours", module="app.a"), frame("theirs", module="lib.b", in_app=False))

    assert fingerprint(event(exception=raised(*frames))).culprit == "app.a in ours"


@pytest.mark.parametrize(
    ("incoming", "sentence"),
    [
        (
            event("error", exception=raised(frame("a"), frame("b"), frame("c"))),
            "Grouped because the exception type (TypeError) and 3 in-app frames match.",
        ),
        (
            event(exception=parse_stack(V8)),
            "Grouped because the event name (client_error), the exception types (Error, TypeError) and 5 in-app frames match.",
        ),
        (
            event("api_error", message="boom", endpoint="/api/career"),
            "Grouped because the event name (api_error), the message and the endpoint (/api/career) match.",
        ),
        (event("error", message="boom"), "Grouped because the message matches."),
        (event("cascade_failure_detected"), "Grouped because the event name (cascade_failure_detected) matches."),
        (event(fingerprint=["a", "b"]), "Grouped because the client's own fingerprint (a, b) matches."),
    ],
)
def test_it_explains_itself_in_one_sentence(incoming: IncomingEvent, sentence: str) -> None:
    assert explain(fingerprint(incoming).parts) == sentence


def test_it_has_a_sentence_for_no_parts() -> None:
    assert explain([]) == "Nothing of this event could be used for grouping."


def test_it_cuts_what_it_shows() -> None:
    assert all(
        len(part["raw"]) <= 200 for part in fingerprint(event(message="long " * 900, endpoint="/" + "a" * 900)).parts
    )
