import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.digests.content import Action, Bar, Content, Row, Section
from dashboards.digests.plain import WIDTH, text_of
from tests.dashboards.digests.contents import an_about, hostile, largest, quiet, rich

# These signs are not seen.
NO_BREAK = dict.fromkeys(map(ord, "\u00a0\u202f"), " ")
ISOLATING = dict.fromkeys(map(ord, "\u2068\u2069"))


def is_link(line: str) -> bool:
    return line.strip().startswith("https://mon.example/")


@pytest.mark.parametrize("content", [rich(), quiet(), hostile(), largest(), largest("é"), largest("ש")])
def test_lines_are_short_and_links_have_lines_of_their_own(content: Content) -> None:
    lines = text_of(content, an_about()).splitlines()

    assert max(len(line.translate(ISOLATING)) for line in lines if not is_link(line)) <= WIDTH
    assert not [line for line in lines if "https://mon.example" in line and not is_link(line)]
    assert not [line for line in lines if line != line.rstrip()]


@given(st.text(max_size=300))
def test_what_others_wrote_begins_no_line_of_its_own(text: str) -> None:
    marked = f"{text}\r\nUNSUBSCRIBE\u2028\x0b\x85BILLING"
    row = Row(marked, marked)
    section = Section("ai", "AI", "", "", "Told.", rows=(row,), bars=(Bar(marked, 1, marked),), trend=(1, 2))
    content = Content("Fine.", "good", (Action(marked, marked, ""),), (section,), (), ())

    lines = text_of(content, an_about()).split("\n")

    assert "UNSUBSCRIBE" not in lines
    assert "BILLING" not in lines
    lines = [line.translate(NO_BREAK) for line in lines]
    assert all(line.isprintable() or "\u2068" in line or "\u2069" in line for line in lines)


def test_bars_are_as_long_as_their_numbers() -> None:
    text = text_of(rich(), an_about())

    assert f"openai    {'█' * 24} 41 failures\n" in text
    assert f"anthropic {'█' * 4}{' ' * 20} 6 failures\n" in text
    assert f"mistral   {'█' * 1}{' ' * 23} 1 failure\n" in text


def test_a_trend_is_a_line_of_signs_and_said_in_words() -> None:
    text = text_of(rich(), an_about())

    assert (
        "\n  ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▂▂▄█▇▆▃▂\n  Failures in each hour: 3 at first, 12 at the end, 52 at most, none at\n  times\n"
        in text
    )


def test_it_names_what_to_do_with_its_evidence_and_its_address() -> None:
    text = text_of(rich(), an_about())

    assert (
        "2. Go on with incident #12 (urgent)\n   Payments fail for some: mitigated 40 minutes ago, not resolved\n"
        "   https://mon.example/admin/alerts/incident/12/change/\n"
    ) in text
