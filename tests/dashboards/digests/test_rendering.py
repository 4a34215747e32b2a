import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.digests import sparklines
from dashboards.digests.content import Action, Content, Row, Section
from dashboards.digests.periods import Kind
from dashboards.digests.rendering import HTML_BYTES, confirmation_of, mail_of, page_of
from tests.dashboards.digests.contents import an_about, hostile, largest, quiet, rich
from tests.dashboards.digests.pages import contrast, painted, parsed

ALL = {
    "rich": rich(),
    "quiet": quiet(),
    "hostile": hostile(),
    "largest": largest(),
    "warn": replace(rich(), tone="warn"),
}
# What a mail may be made of; nothing of it runs, fetches or hides.
TAGS = {"html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td", "p", "h1", "h2", "span", "br",
        "a", "b", "img", "wbr"}  # fmt: skip


@pytest.mark.parametrize("content", ALL.values(), ids=ALL)
def test_it_is_valid_html_of_tables_that_are_only_layout(content: Content) -> None:
    for html in (mail_of(content, an_about()).html, page_of(content, an_about())):
        page = parsed(html)

        elements = [one for one in page.iter() if isinstance(one.tag, str)]
        assert {one.tag for one in elements} <= TAGS
        assert {one.get("role") for one in elements if one.tag == "table"} == {"presentation"}
        assert not [name for one in elements for name in one.attrib if name.startswith("on")]
        assert page.get("lang") == "en"


@pytest.mark.parametrize("content", ALL.values(), ids=ALL)
@pytest.mark.parametrize("is_dark", [False, True])
def test_every_text_can_be_read_on_light_and_on_dark_screens(content: Content, is_dark: bool) -> None:
    found = list(painted(mail_of(content, an_about(is_late=True)).html, is_dark=is_dark))

    assert len({one.behind for one in found}) > 2
    assert [one for one in found if contrast(one.colour, one.behind) < 4.5] == []


@pytest.mark.parametrize("card", ["ffffff", "1a212b"])
def test_charts_stand_out_from_light_and_dark_cards(card: str) -> None:
    html = mail_of(rich(), an_about()).html

    assert card in html
    assert contrast("{:02x}{:02x}{:02x}".format(*sparklines.COLOUR), card) >= 3
    assert "background-color: #6366f1" in html


@pytest.mark.parametrize("char", ["&", "é", "😀", "<", '"', "ש", "\u0300"])
def test_the_largest_is_not_clipped_by_mail_programs(char: str) -> None:
    mail = mail_of(largest(char), an_about())

    assert len(mail.html.encode()) < HTML_BYTES
    assert "Unsubscribe" in mail.html
    assert sum(map(len, mail.images.values())) < 100_000


def test_what_fits_is_told_with_all_its_rows() -> None:
    html = mail_of(rich(), an_about()).html.replace("<wbr>", "")

    assert all(row.text in html and row.number in html for section in rich().sections for row in section.rows)
    assert all(bar.words in html for section in rich().sections for bar in section.bars)


@pytest.mark.parametrize("content", ALL.values(), ids=ALL)
def test_pictures_come_with_the_mail_and_say_what_they_show(content: Content) -> None:
    mail = mail_of(content, an_about())

    images = list(parsed(mail.html).iter("img"))
    assert {(one.get("src") or "").removeprefix("cid:") for one in images} == set(mail.images)
    assert all((one.get("alt") or "").strip() for one in images)
    assert all(one.get("width") and one.get("height") for one in images)
    assert "url(" not in mail.html
    assert "@import" not in mail.html
    assert [one.tag for one in parsed(mail.html).iter() if one.get("background") or one.get("srcset")] == []


def test_a_trend_says_its_numbers_where_pictures_are_off() -> None:
    (image,) = parsed(mail_of(rich(), an_about()).html).iter("img")

    assert image.get("alt") == "Failures in each hour: 3 at first, 12 at the end, 52 at most, none at times."


def test_a_page_brings_its_pictures_and_asks_nobody_to_index_it() -> None:
    page = parsed(page_of(rich(), an_about()))

    assert [(one.get("src") or "")[:22] for one in page.iter("img")] == ["data:image/png;base64,"]
    assert {one.get("name"): one.get("content") for one in page.iter("meta")}["robots"] == "noindex"


@pytest.mark.parametrize("content", ALL.values(), ids=ALL)
def test_links_lead_to_this_liftmon_alone(content: Content) -> None:
    links = [one.get("href") or "" for one in parsed(mail_of(content, an_about()).html).iter("a")]

    assert links
    assert all(link.startswith("https://mon.example/") for link in links)


@pytest.mark.parametrize("content", ALL.values(), ids=ALL)
def test_a_reader_without_an_account_gets_no_link_into_the_admin(content: Content) -> None:
    mail = mail_of(content, an_about(base_url="", settings_url=""))

    assert "/admin/" not in mail.html.replace("/admin/&quot;&gt;", "")
    assert "mon.example/admin" not in mail.text
    links = [one.get("href") for one in parsed(mail.html).iter("a")]
    assert links == [an_about().digest_url, an_about().unsubscribe_url]


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "https://a.example/ b", "", "https://a.example/" + 3000 * "x"],
)
def test_addresses_that_may_not_stand_behind_links_are_left_out(address: str) -> None:
    about = an_about(digest_url=address, settings_url=address, unsubscribe_url=address)
    mail = mail_of(quiet(), about)

    assert list(parsed(mail.html).iter("a")) == []
    assert "Unsubscribe" not in mail.text


def test_long_names_are_broken_where_their_parts_end() -> None:
    html = mail_of(
        Content("Fine.", "good", incidents=(Row("/api/subscription/check_out & more", "now"),)), an_about()
    ).html

    assert "/api<wbr>/subscription<wbr>/check_<wbr>out &amp; more</td>" in html


@given(st.text(max_size=80), st.text(alphabet="<>&\"'/!- {}%=scriptimgonerror\u202e\x00", max_size=40))
def test_no_text_becomes_markup(one: str, other: str) -> None:
    text = f"{one}{other}<img src=x onerror=alert(1)>"
    row = Row(text, text, text)
    section = Section("ai", text, text, text, text, rows=(row,), trend=(1, 2), trend_caption=text)
    content = Content(text, "bad", (Action(text, text, text),), (section,), (text,), (text,))

    html = page_of(content, an_about(scope_words=text))

    elements = [element for element in parsed(html).iter() if isinstance(element.tag, str)]
    assert {element.tag for element in elements} <= TAGS
    assert len([element for element in elements if element.tag == "img"]) == 1
    assert not [name for element in elements for name in element.attrib if name.startswith("on")]


def test_signs_that_turn_text_around_are_gone_and_scripts_that_do_are_isolated() -> None:
    content = Content("safe", "good", notes=("\u202eevil\u2066 שלום \u2069",))

    mail = mail_of(content, an_about())

    assert "\u2068evil שלום\u2069" in mail.html
    assert "\u2068evil שלום\u2069" in mail.text
    assert not re.search("[\u202a-\u202e\u2066\u2067]", mail.html + mail.text)


def test_each_part_of_a_verdict_is_isolated_by_itself() -> None:
    mail = mail_of(Content("שלום fails. 2 issues of شكرا are open.", "bad"), an_about())

    assert "\u2068שלום fails.\u2069" in mail.html
    assert "\u20682 issues of شكرا are open.\u2069" in mail.html


def test_the_verdict_comes_before_incidents_and_these_before_what_to_do() -> None:
    html = mail_of(rich(), an_about()).html.partition("<body")[2].replace("<wbr>", "")

    places = [
        html.index(words)
        for words in (
            "Payment checkout is failing for 31 users.</h1>", "Open incidents", "#12 Payments fail",
            "Do today", "Mend /api/checkout</a>",
            "Failing endpoints", "AI generation <span", "Sessions and sign-in", "Nothing to report: E-mail",
        )
    ]  # fmt: skip
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("kind", "title", "todo"),
    [
        (Kind.DAILY, "Daily review", "Do today"), (Kind.WEEKLY, "Weekly review", "Do this week"),
        (Kind.MONTHLY, "Monthly review", "Do this month"),
    ],
)  # fmt: skip
def test_it_says_which_review_it_is(kind: Kind, title: str, todo: str) -> None:
    mail = mail_of(rich(), an_about(kind=kind))

    assert mail.subject.startswith(f"{kind.value.capitalize()}: ")
    assert title in mail.html
    assert todo in mail.html
    assert title.upper() in mail.text
    assert todo.upper() in mail.text


def test_the_subject_says_the_verdict_and_of_which_product(settings: Any) -> None:
    settings.STATUS_PAGE_NAME = "lift"

    assert mail_of(rich(), an_about()).subject == "Daily: Payment checkout is failing for 31 users – lift"
    assert mail_of(rich(), an_about(is_late=True)).subject.startswith("Daily (late): Payment")

    settings.STATUS_PAGE_NAME = ""
    assert mail_of(rich(), an_about()).subject == "Daily: Payment checkout is failing for 31 users"


def test_a_long_first_sentence_is_told_as_far_as_it_is_read_at_a_glance() -> None:
    verdict = "1 incident open; now in all environments: 2 critical issues are unresolved; 1 issue came back after being resolved; "
    mail = mail_of(Content(f"{verdict}14 other issues open. In a day much failed.", "bad"), an_about())

    assert mail.subject == "Daily: 1 incident open; now in all environments: 2 critical issues are unresolved"
    assert mail.preheader == "1 issue came back after being resolved; 14 other issues open. In a day much failed."


def test_it_says_how_many_open_incidents_it_does_not_name() -> None:
    content = replace(rich(), open_count=5)

    assert "and 4 more" in mail_of(content, an_about()).html
    assert (
        "SEV1, mitigated\n  https://mon.example/admin/alerts/incident/12/change/\n  and 4 more\n"
        in mail_of(content, an_about()).text
    )
    assert "more" not in mail_of(rich(), an_about()).text.partition("DO TODAY")[0]


def test_subjects_are_one_short_line() -> None:
    for content in ALL.values():
        subject = mail_of(content, an_about(is_late=True)).subject
        assert subject.isprintable() or "\u2068" in subject
        assert len(subject) <= 180


def test_lists_of_mails_show_what_comes_after_the_subject() -> None:
    mail = mail_of(rich(), an_about())

    assert mail.preheader.startswith("1 incident is open, AI generation times out")
    assert mail.preheader.endswith("First: Mend /api/checkout.")
    body = parsed(mail.html).find("body")
    assert body is not None
    assert (body[0].get("class"), (body[0].text or "")[:18]) == ("preview", "1 incident is open")
    assert mail_of(Content("Nothing failed.", "good"), an_about()).preheader == "Nothing else to report."


def test_the_period_is_said_on_the_clock_of_the_reader() -> None:
    for zone, words in (
        ("Europe/Berlin", "Thu 26 Nov, 08:00 – Fri 27 Nov 2026, 08:00 (Europe/Berlin)"),
        ("Asia/Kathmandu", "Thu 26 Nov, 12:45 – Fri 27 Nov 2026, 12:45 (Asia/Kathmandu)"),
    ):
        mail = mail_of(quiet(), an_about(zone=ZoneInfo(zone)))
        assert words in mail.html
        assert words in mail.text


def test_a_period_across_new_year_names_both_years() -> None:
    about = an_about(
        kind=Kind.WEEKLY, start=datetime(2026, 12, 28, 8, tzinfo=UTC), end=datetime(2027, 1, 4, 8, tzinfo=UTC), zone=UTC
    )

    assert "Mon 28 Dec 2026, 08:00 – Mon 4 Jan 2027, 08:00 (UTC)" in mail_of(quiet(), about).text


def test_a_late_one_says_when_it_was_due() -> None:
    mail = mail_of(quiet(), an_about(is_late=True))

    assert "Late: it was due on Friday 27 November 2026 at 08:00." in mail.html
    assert "Late: it was due on Friday 27 November 2026 at 08:00." in mail.text
    assert "Late" not in mail_of(quiet(), an_about()).html


def test_it_says_why_somebody_gets_it_and_how_to_end_that() -> None:
    mail = mail_of(rich(), an_about())

    for part in (mail.html, mail.text.replace("\n", " ")):
        assert "You get this because you asked for the daily review of all services in production." in part
        assert an_about().unsubscribe_url in part
        assert an_about().settings_url in part
        assert an_about().digest_url in part


def test_the_question_before_the_first_one_is_as_valid_and_readable() -> None:
    mail = confirmation_of(
        [Kind.DAILY, Kind.WEEKLY], "<b>web</b> in production", "https://mon.example/digests/confirm/x/"
    )

    assert mail.subject == "Confirm: the daily review and weekly review of Liftmon"
    assert "&lt;b&gt;web" in mail.html
    assert [one.get("href") for one in parsed(mail.html).iter("a")] == ["https://mon.example/digests/confirm/x/"]
    assert "\nhttps://mon.example/digests/confirm/x/\n" in mail.text
    for is_dark in (False, True):
        assert [one for one in painted(mail.html, is_dark=is_dark) if contrast(one.colour, one.behind) < 4.5] == []
