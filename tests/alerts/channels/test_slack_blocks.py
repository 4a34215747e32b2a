import html
import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alerts.channels import slack_blocks as sb
from alerts.channels.message import AlertMessage, EventCounts, Link, ListedAlert, MessageKind
from events.ingest.types import Severity
from tests.alerts.messages import NOW, a_message, a_storm, resolved

# Short alphabets grow long texts; the signs are those that mean something to Slack.
texts = st.builds(
    lambda part, times: part * times,
    st.text(st.sampled_from("a&<>|`*_~@!#:\n\t\x00é😀\u2028"), max_size=40),
    st.sampled_from([1, 5, 300]),
)
urls = st.one_of(st.just(""), texts, texts.map(lambda text: f"https://a.example/{text}"))
moments = st.integers(0, 10**6).map(lambda seconds: NOW - timedelta(seconds=seconds))
listed = st.builds(
    ListedAlert, st.text("ab", max_size=3), texts, st.sampled_from(Severity), moments, texts, urls,
    resolved_at=st.none() | moments,
)  # fmt: skip
messages = st.builds(
    AlertMessage,
    st.sampled_from(MessageKind), st.sampled_from(Severity), st.just("a-1"), texts, st.just(NOW), moments,
    what=texts, where=texts, users_count=st.none() | st.integers(0, 10**12), growth=texts, newest_example=texts,
    likely_cause=texts, runbook_url=urls, url=urls, resolved_at=st.none() | moments,
    links=st.lists(st.builds(Link, texts, urls, st.booleans()), max_size=40).map(tuple),
    labels=st.dictionaries(texts, texts, max_size=14),
    event_counts=st.none() | st.builds(EventCounts, st.integers(0, 10**9), st.integers(1, 10**6), st.just((1, 2))),
    alerts=st.lists(listed, max_size=30).map(tuple), alerts_count=st.integers(0, 10**6),
)  # fmt: skip


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def every_text(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = [value] if value.get("type") in ("mrkdwn", "plain_text") else []
        return own + [found for one in value.values() for found in every_text(one)]
    return [found for one in value for found in every_text(one)] if isinstance(value, list) else []


def assert_within_limits(payload: dict[str, Any]) -> None:
    assert 1 <= units(payload["text"]) <= 4000
    assert 1 <= len(payload["blocks"]) <= 50
    for text in every_text(payload["blocks"]):
        assert text["text"].strip(), "Slack refuses an empty text"
    for block in payload["blocks"]:
        match block["type"]:
            case "header":
                assert block["text"]["type"] == "plain_text"
                assert units(block["text"]["text"]) <= 150
            case "section":
                assert "text" in block or block["fields"]
                assert units(block.get("text", {}).get("text", "")) <= 3000
                assert len(block.get("fields", [])) <= 10
                assert all(units(one["text"]) <= 2000 for one in block.get("fields", []))
            case "actions":
                assert 1 <= len(block["elements"]) <= 25
                ids = [one["action_id"] for one in block["elements"]]
                assert len(set(ids)) == len(ids)
                for button in block["elements"]:
                    assert button["text"]["type"] == "plain_text"
                    assert units(button["text"]["text"]) <= 75
                    assert units(button["url"]) <= 3000
                    assert button["url"].startswith(("https://", "http://"))
            case "context":
                assert 1 <= len(block["elements"]) <= 10
                assert all(units(one["text"]) <= 2000 for one in block["elements"])
            case other:
                pytest.fail(f"an unknown block: {other}")


@given(messages)
def test_every_message_is_within_every_limit(message: AlertMessage) -> None:
    assert_within_limits(sb.payload(message))


@given(messages)
def test_nothing_that_others_wrote_means_anything_to_slack(message: AlertMessage) -> None:
    payload = sb.payload(message)
    mrkdwn = [one for one in every_text(payload["blocks"]) if one["type"] == "mrkdwn"]

    for text in [payload["text"], *(one["text"] for one in mrkdwn)]:
        outside_links = re.sub(r"<https?://[^<>|\s]*\|[^<>]*>", "", text)
        assert "<" not in outside_links
        assert ">" not in outside_links
        assert not re.search(r"&(?!amp;|lt;|gt;)", outside_links)
    assert all(one["verbatim"] for one in mrkdwn)


@given(texts, st.integers(1, 400))
def test_escaping_loses_nothing_but_the_end(text: str, most: int) -> None:
    said = sb.escaped(text, most)

    assert units(said) <= most
    if said.endswith("…") and not text.endswith("…"):
        assert text.startswith(html.unescape(said[:-1]))
    else:
        assert html.unescape(said) == text


@given(texts)
@example("`" * 5)
def test_an_example_cannot_leave_its_fence(text: str) -> None:
    blocks = sb.blocks(a_message(newest_example=text))
    (shown,) = [one for one in blocks if "Newest example" in one.get("text", {}).get("text", "")] or [None]

    assert shown is None or shown["text"]["text"].count("```") == 2


def test_it_says_what_where_who_since_when_and_what_can_be_done() -> None:
    payload = sb.payload(a_message())

    header, what, facts, cause, example, actions, labels = payload["blocks"]
    assert header["text"]["text"] == "🔴 Firing: Critical: Checkout fails"
    assert what["text"]["text"].startswith("214 of 1,020 requests failed")
    assert [one["text"].split("\n")[0] for one in facts["fields"]] == [
        "*Where*",
        "*Users*",
        "*When*",
        "*Growing*",
        "*Events*",
    ]
    assert cause["text"]["text"] == "*Likely cause*\nRelease 2.4.1, out for 14 minutes."
    assert "```\nPaymentError: card &lt;declined&gt; &amp; gone\n  at pay()\n```" in example["text"]["text"]
    assert [one["text"]["text"] for one in actions["elements"]] == ["Open in Liftmon", "Runbook", "Acknowledge"]
    assert [one.get("style") for one in actions["elements"]] == ["primary", None, None]
    assert actions["elements"][2]["url"] == "https://liftmon.example/a/ack?token=1&x=2"
    assert labels["elements"][0]["text"] == "endpoint: /api/checkout"
    assert payload["text"].startswith("🔴 Firing: Critical: Checkout fails. 214 of")


def test_a_storm_is_listed_with_links_and_counted() -> None:
    text = "\n".join(one.get("text", {}).get("text", "") for one in sb.blocks(a_storm()))

    assert (
        "*500 alerts: 480 firing, 20 resolved*\n🔴 <https://liftmon.example/alerts/300|Endpoint 300 fails – lift api>"
        in text
    )
    assert "and 485 more" in text


def test_recovery_is_told_by_its_sign() -> None:
    assert sb.blocks(resolved())[0]["text"]["text"] == "✅ Resolved: Critical: Checkout fails"


def test_a_link_keeps_its_own_signs() -> None:
    assert sb.linked("https://a.example/?a=1&b=<|>", "x>y", 100) == "<https://a.example/?a=1&amp;b=%3C%7C%3E|x&gt;y>"
    assert sb.linked("javascript:x", "x", 100) == sb.linked("https://a b", "x", 100) == "x"
    assert sb.linked(f"https://a.example/{'a' * 200}", "label", 100) == "label"


@pytest.mark.parametrize("count", [9, 10, 11, 30])
def test_labels_beyond_ten_are_counted(count: int) -> None:
    blocks = sb.blocks(a_message(labels={f"l{number:02}": "x" for number in range(count)}))

    assert len(blocks[-1]["elements"]) == min(count, 10)
    assert (blocks[-1]["elements"][-1]["text"] == f"and {count - 9} more") == (count > 10)
