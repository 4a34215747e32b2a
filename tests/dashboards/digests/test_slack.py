import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.digests.content import Action, Bar, Content, Row, Section
from dashboards.digests.slack import slack_of
from tests.dashboards.digests.contents import EVIL, an_about, hostile, largest, quiet, rich

_LINK = re.compile(r"<https://mon\.example/[^<>|\s]*\|[^<>]*>")


def length(text: str) -> int:
    """As Slack may count it: a sign beyond the basic plane as two."""
    return len(text) + sum(ord(char) > 0xFFFF for char in text)


def assert_within_limits(message: dict[str, Any]) -> None:
    """Raises for what Slack refuses, and for a mention or a link that is not ours."""
    assert length(message["text"]) <= 4000
    assert "<" not in message["text"]
    blocks = message["blocks"]
    assert 1 <= len(blocks) <= 50
    for block in blocks:
        match block["type"]:
            case "header":
                assert block["text"]["type"] == "plain_text"
                assert 1 <= length(block["text"]["text"]) <= 150
            case "section":
                assert 1 <= length(block["text"]["text"]) <= 3000
                mrkdwn(block["text"])
            case "context":
                assert 1 <= len(block["elements"]) <= 10
                for one in block["elements"]:
                    assert 1 <= length(one["text"]) <= 2000
                    mrkdwn(one)
            case "actions":
                assert 1 <= len(block["elements"]) <= 25
                assert len({one["action_id"] for one in block["elements"]}) == len(block["elements"])
                assert all(len(one["url"]) <= 3000 and length(one["text"]["text"]) <= 75 for one in block["elements"])
            case other:
                assert other == "divider"


def mrkdwn(text: dict[str, Any]) -> None:
    assert (text["type"], text["verbatim"]) == ("mrkdwn", True)
    rest = _LINK.sub("", text["text"])
    assert "<" not in rest
    assert ">" not in rest
    assert not re.search(r"&(?!amp;|lt;|gt;)", text["text"])


@pytest.mark.parametrize("content", [rich(), quiet(), hostile(), *map(largest, "&<é😀ש*")])
def test_it_is_within_what_slack_takes(content: Content) -> None:
    assert_within_limits(slack_of(content, an_about(is_late=True)))


_texts = st.one_of(st.text(max_size=700), st.sampled_from(EVIL), st.sampled_from([char * 900 for char in "&<😀ש"]))
_links = st.one_of(st.just(""), _texts, st.builds("/admin/{}".format, st.text(alphabet="ab/?&=%|<>", max_size=400)))
_rows = st.builds(Row, _texts, _texts, _links)
_bars = st.builds(Bar, _texts, st.floats(), _texts)
_actions = st.builds(Action, _texts, _texts, _links, st.integers(0, 10**9), st.booleans())
_sections = st.builds(
    Section, st.sampled_from(["ai", "limits"]), _texts, _texts, _links, _texts, st.integers(0, 10**9), st.booleans(),
    rows=st.lists(_rows, max_size=4).map(tuple), bars=st.lists(_bars, max_size=2).map(tuple), bars_caption=_texts,
    trend=st.lists(st.floats(), max_size=40).map(tuple), trend_caption=_texts,
)  # fmt: skip
_contents = st.builds(
    Content, _texts, st.sampled_from(["bad", "warn", "good"]), st.lists(_actions, max_size=4).map(tuple),
    st.lists(_sections, max_size=4).map(tuple), st.lists(_texts, max_size=5).map(tuple), st.lists(_texts, max_size=3).map(tuple),
    incidents=st.lists(_rows, max_size=4).map(tuple), open_count=st.integers(0, 10**9),
)  # fmt: skip


@given(_contents, _texts, _links)
def test_whatever_it_says_slack_takes_it_and_nobody_is_called(content: Content, scope: str, url: str) -> None:
    assert_within_limits(slack_of(content, an_about(scope_words=scope, settings_url=url)))


def test_channels_are_told_what_mails_say() -> None:
    message = slack_of(rich(), an_about())

    said = str(message["blocks"])
    assert message["text"].startswith("Daily review: Payment checkout is failing for 31 users. 1 incident is open")
    assert message["blocks"][0]["text"]["text"] == "🔴 Daily review: Payment checkout is failing for 31 users."
    assert "|#12 Payments fail for some: SEV1, mitigated>" in said
    assert "1. <https://mon.example/admin/analytics/endpoints/endpoint/" in said
    assert "Nothing to report: E-mail and Formspree, Data consistency." in said
    assert [one["text"]["text"] for one in message["blocks"][-1]["elements"]] == [
        "Read all of it",
        "Change what is sent",
    ]


def test_a_reader_without_an_account_gets_no_link_into_the_admin() -> None:
    assert "/admin/" not in str(slack_of(rich(), an_about(base_url="", settings_url="")))
