from datetime import timedelta

import pytest

from alerts.channels.message import EventCounts, Link, MessageKind, cut, one_line, plain_text, sparkline
from events.ingest.types import Severity
from tests.alerts.messages import NOW, a_message, a_storm, resolved


def test_the_text_answers_what_somebody_asks_at_three_in_the_morning() -> None:
    assert plain_text(a_message()) == (
        "[Firing] Critical: Checkout fails\n"
        "214 of 1,020 requests failed in 5 minutes (21.0 %, limit 5 %).\n"
        "\n"
        "Where: lift api, production, /api/checkout\n"
        "Users: 37 users hurt\n"
        "When: since 03:02 UTC (12 minutes)\n"
        "Growing: Three times as many as 5 minutes ago.\n"
        "Events: 214 events in 5 minutes ▁▁▄█▇\n"
        "Likely cause: Release 2.4.1, out for 14 minutes.\n"
        "\n"
        "Newest example:\n"
        "PaymentError: card <declined> & gone\n"
        "  at pay()\n"
        "\n"
        "Open in Liftmon: https://liftmon.example/alerts/17\n"
        "Runbook: https://runbooks.example/checkout\n"
        "Acknowledge: https://liftmon.example/a/ack?token=1&x=2\n"
        "\n"
        "endpoint=/api/checkout, name=api_error, service=lift-api\n"
    )


def test_the_text_leaves_out_what_is_not_known() -> None:
    bare = a_message(
        what="", where="", users_count=None, growth="", newest_example="", likely_cause="", runbook_url="", url="",
        links=(), labels={}, event_counts=None,
    )  # fmt: skip

    assert plain_text(bare) == "[Firing] Critical: Checkout fails\n\nWhen: since 03:02 UTC (12 minutes)\n"


def test_recovery_says_how_long_it_took() -> None:
    began_yesterday = resolved(since=NOW - timedelta(hours=5))

    assert plain_text(resolved()).startswith("[Resolved] Critical: Checkout fails\n")
    assert resolved().when == "from 03:02 to 03:14 UTC (12 minutes)"
    assert began_yesterday.when == "from 2026-11-27 22:14 to 03:14 UTC (5 hours)"


def test_a_storm_is_one_message_that_lists_what_still_fires_and_the_worst_first() -> None:
    text = plain_text(a_storm())

    assert "500 alerts: 480 firing, 20 resolved:\n- critical: Endpoint 300 fails – lift api\n- error: " in text
    assert "- and 480 more\n" in text
    assert "(resolved)" not in text, "what is over comes last"
    assert text.count("\n") < 50


def test_a_storm_counts_alerts_beyond_the_listed() -> None:
    message = a_storm(count=500, listed=3, resolved_count=0)

    assert message.storm_sentence == "500 alerts"
    assert message.listed(2)[1] == 498
    assert message.listed(20)[1] == 497


@pytest.mark.parametrize(
    ("kind", "state"),
    list(zip(MessageKind, ["Firing", "Still firing", "Firing", "Resolved", "Test", "Late"], strict=True)),
)
def test_every_kind_says_its_state(kind: MessageKind, state: str) -> None:
    assert plain_text(a_message(kind=kind)).startswith(f"[{state}] ")


def test_lines_of_others_begin_no_line_of_ours() -> None:
    assert one_line("a\r\nBcc: b\x00\u2028 c\t d") == "a Bcc: b c d"
    assert "\nWhere: x" not in plain_text(a_message(title="a\nWhere: x", what="b\nWhere: x"))


def test_links_that_are_none_are_left_out() -> None:
    links = (
        Link("Bad", "javascript:alert(1)"),
        Link("Bad", "https://a.example/ b"),
        Link("", "https://a.example"),
        Link("Good", "https://a.example"),
    )
    message = a_message(url="", runbook_url="ftp://a.example", links=links)

    assert [link.label for link in message.usable_links] == ["Good"]


def test_counts_are_drawn_and_singular_where_they_are() -> None:
    assert sparkline([0, 1, 7]) == "▁▂█"
    assert sparkline([0, 0]) == sparkline([]) == ""
    assert EventCounts(1, 60).sentence == "1 event in 1 minute"
    assert a_message(users_count=1).users == "1 user hurt"
    assert a_message(users_count=0).users == "0 users hurt"
    assert cut("abc", 3) == "abc"
    assert cut("abcd", 3) == "ab…"


def test_the_headline_stays_the_same_until_it_is_over() -> None:
    assert a_message().headline == resolved().headline == "Critical: Checkout fails"
    assert a_message(title="", severity=Severity.INFO).headline == "Info: Alert"
