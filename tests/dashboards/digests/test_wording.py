"""Texts of digests whose numbers and dates have no-break spaces, full stops and commas in them."""

import re

import pytest

from alerts.channels.message import one_line
from dashboards.digests.plain import WIDTH, text_of
from dashboards.digests.rendering import mail_of, slack_of
from dashboards.digests.wording import headline, said
from dashboards.pages.words import bounds, counted, percent
from dashboards.statistics import change_of, share_of
from dashboards.templatetags.numbers import changed, took
from events import formats
from tests.dashboards.digests.contents import AT, an_about, rich_in

N, NN = "\u00a0", "\u202f"


@pytest.mark.parametrize("code", formats.OFFERED)
def test_no_date_ends_a_sentence(code: str) -> None:
    with formats.written_for(code):
        when = [
            formats.day_and_hour(AT, has_weekday=True), formats.day_and_hour(AT, has_year=False), formats.whole_day(AT),
            formats.hour(AT),
        ]  # fmt: skip
    for moment in when:
        first = f"pay_failed has hurt {NN}3 users since {moment}; no other issue is open."

        assert headline(f"{first} In the last 24 hours /pay failed.") == (
            one_line(first),
            "In the last 24 hours /pay failed.",
        )


def test_no_break_spaces_stay_and_other_ones_are_one() -> None:
    words = f" 1{NN}204 users,\n\n 3,4{N}% of them since  26.{N}Nov.\u2028{N} {NN}too "

    assert one_line(words) == f"1{NN}204 users, 3,4{N}% of them since 26.{N}Nov. too"
    assert said(words, 100) == one_line(words)
    assert one_line(f"{N} {NN}{N}") == ""


@pytest.mark.parametrize("code", ["de", "fr", "cs", "sv"])
def test_no_number_is_parted_by_the_end_of_a_line(code: str) -> None:
    text = text_of(rich_in(code), an_about(formats=code))

    assert all(len(line) <= WIDTH for line in text.split("\n") if "https://" not in line)
    with formats.written_for(code):
        for whole in (
            counted(12820, "session").split(" ")[0],
            percent(0.135),
            formats.day_and_hour(AT, has_year=False),
        ):
            assert whole in text.replace("\n", " ")
    assert not re.search(r"\d\n\s*(\d{3}|%)", text)


def test_what_is_told_has_the_decimal_sign_of_its_reader() -> None:
    with formats.written_for("de"):
        found = [
            took(1240),
            took(0.34),
            took(9_200_000),
            percent(0.034),
            percent(0.0003),
            percent(0.9999),
            bounds(share_of(3, 90)),
        ]
        found += [changed(change_of(56, 50)), changed(change_of(44, 50)), changed(change_of(210, 50))]

    assert [one.replace(N, " ") for one in found] == [
        "1,2 s", "0,3 ms", "2,6 h", "3,4 %", "< 0,1 %", "> 99,9 %", "1,1–9,3 %", "+12 %", "−12 %", "×4,2",
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["de", "fr"])
def test_what_machines_read_has_points(code: str) -> None:
    mail = mail_of(rich_in(code), an_about(formats=code))

    assert not re.search(r'(?:style|width|height|id|class)="[^"]*\d,\d', mail.html)
    assert all(re.fullmatch(r"\d+%?", one) for one in re.findall(r'(?:width|height)="([^"]*)"', mail.html))
    assert 'lang="en"' in mail.html


def test_a_message_says_the_same_numbers() -> None:
    message = slack_of(rich_in("de"), an_about(formats="de"))

    told = str(message["blocks"]).replace(N, " ").replace("\\xa0", " ")
    assert "Do., 26. Nov., 08:00 – Fr., 27. Nov. 2026, 08:00" in told
    assert "9 of 1.204 requests failed" in told
