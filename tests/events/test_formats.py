import unicodedata
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import formats

AT = datetime(2026, 11, 26, 17, 40, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin"))
N, NN = "\u00a0", "\u202f"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("en-GB", ["1,204", "12.0", "-3", "3.4 %", "99.5"]),
        ("en-US", ["1,204", "12.0", "-3", "3.4%", "99.5"]),
        ("de", ["1.204", "12,0", "-3", f"3,4{N}%", "99,5"]),
        ("de-CH", ["1'204", "12.0", "-3", "3.4%", "99.5"]),
        ("fr", [f"1{NN}204", "12,0", "-3", f"3,4{N}%", "99,5"]),
        ("sv", [f"1{N}204", "12,0", "\u22123", f"3,4{N}%", "99,5"]),
        ("tr", ["1.204", "12,0", "-3", "%3,4", "99,5"]),
    ],
)
def test_numbers_are_written_as_their_reader_does(code: str, said: list[str]) -> None:
    with formats.written_for(code):
        found = [
            formats.number(1204), formats.number(12, 1), formats.number(-3), formats.percent(formats.number(3.4, 1)),
            formats.shortest(99.5),
        ]  # fmt: skip

    assert [one.replace("\u2019", "'") for one in found] == said


@pytest.mark.parametrize(
    ("code", "hour", "whole_day", "moment", "day"),
    [
        ("en-GB", "18:40", "Thursday 26 November 2026", "Thu 26 Nov 2026, 18:40", "26 Nov"),
        ("en-US", "6:40\u202fPM", "Thursday, November 26, 2026", "Thu, Nov 26, 2026, 6:40\u202fPM", "Nov 26"),
        ("de", "18:40", "Donnerstag, 26. November 2026", "Do., 26. Nov. 2026, 18:40", "26. Nov."),
        ("fr", "18:40", "jeudi 26 novembre 2026", "jeu. 26 nov. 2026, 18:40", "26 nov."),
        ("sv", "18:40", "torsdag 26 november 2026", "tors 26 nov. 2026 18:40", "26 nov."),
    ],
)
def test_days_and_hours_are_written_as_their_reader_does(
    code: str, hour: str, whole_day: str, moment: str, day: str
) -> None:
    with formats.written_for(code):
        found = (
            formats.hour(AT), formats.whole_day(AT), formats.day_and_hour(AT, has_weekday=True), formats.day(AT, has_year=False),
        )  # fmt: skip

    assert tuple(one.replace(N, " ") for one in found) == (hour, whole_day, moment, day)


@given(st.floats(-1e15, 1e15) | st.integers(-(10**15), 10**15), st.integers(0, 3))
def test_english_numbers_are_those_of_python(value: float, digits: int) -> None:
    assert formats.number(value, digits) == f"{value:,.{digits}f}"


@given(st.sampled_from(formats.OFFERED), st.floats(-1e15, 1e15), st.integers(0, 3))
def test_a_number_has_the_same_digits_for_every_reader(code: str, value: float, digits: int) -> None:
    with formats.written_for(code):
        said = formats.number(value, digits)

    assert [char for char in said if char.isdigit()] == [char for char in f"{value:.{digits}f}" if char.isdigit()]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_written_all_the_same(value: float) -> None:
    with formats.written_for("de"):
        assert formats.number(value, 1) == str(value)


@pytest.mark.parametrize("code", formats.OFFERED)
def test_all_that_is_offered_reads_from_left_to_right_and_is_never_parted(code: str) -> None:
    with formats.written_for(code):
        said = [
            formats.number(-1234567.8, 1), formats.percent(formats.number(12.5, 1)), formats.hour(AT), formats.whole_day(AT),
            formats.day(date(2026, 2, 9)), formats.day_and_hour(AT, has_weekday=True, has_year=False),
        ]  # fmt: skip

    assert all(unicodedata.bidirectional(char) not in ("R", "AL", "AN") for one in said for char in one)
    assert all(char.isprintable() or char in (N, NN) for one in said for char in one)
    if code != formats.DEFAULT:
        assert not any(" " in one for one in said)


def test_each_has_a_name_and_an_example() -> None:
    names = dict(formats.choices())

    assert (names["de-AT"], names["nb"], names["en-GB"]) == (
        "German (Austria)",
        "Norwegian Bokmål",
        "English (United Kingdom)",
    )
    assert len(set(names.values())) == len(formats.OFFERED) == len(set(formats.OFFERED))
    assert formats.example("de").replace(N, " ") == "1.204,5 and Fr., 27. Nov. 2026, 18:30"
    assert formats.example("en-GB") == "1,204.5 and Fri 27 Nov 2026, 18:30"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["de-LU", "fr"], "de"), (["de-at"], "de-AT"), (["ja", "fr-FR"], "fr"), (["en"], "en-GB"), (["en-AU"], "en-GB"),
        (["en-US"], "en-US"), (["no"], "nb"), (["nn-NO"], "nb"), (["pt"], "pt-PT"), (["pt-BR"], "pt-BR"), (["ar", "he"], "en-GB"),
        (["sr-Latn-RS"], "sr-Latn"), ([], "en-GB"), (["*"], "en-GB"),
    ],
)  # fmt: skip
def test_what_a_browser_asks_for_finds_what_is_nearest(wanted: list[str], found: str) -> None:
    assert formats.nearest(wanted) == found


def test_it_ends_where_it_was_begun_and_what_is_unknown_is_the_usual() -> None:
    with formats.written_for("de"):
        with formats.written_for("xx"):
            assert formats.number(1204) == "1,204"
        assert formats.number(1204) == "1.204"
        with pytest.raises(ZeroDivisionError), formats.written_for("fr"):
            raise ZeroDivisionError
        assert formats.number(1204) == "1.204"
    assert formats.number(1204) == "1,204"
