import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.durations import DurationError, in_full, seconds_of, written


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5 min", 300), ("90s", 90), ("1 h 30 min", 5400), ("1h30m", 5400), ("2 days", 172_800), ("0", 0), ("0 s", 0),
        ("1.5 hours", 5400), (" 10 Minutes ", 600), ("1 week", 604_800), ("1 day, 2 hours", 93_600),
    ],
)  # fmt: skip
def test_it_reads_what_people_write(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "soon", "5 apples", "-5 min", "5 min later", "1:30", "0.5 s", "99999999 days"]
)
def test_it_says_how_to_write_what_it_cannot_read(text: str) -> None:
    with pytest.raises(DurationError):
        seconds_of(text)


def test_it_asks_for_the_unit() -> None:
    with pytest.raises(DurationError, match="Say the unit, too"):
        seconds_of("5")


@pytest.mark.parametrize(
    ("seconds", "short", "full"),
    [
        (0, "0 s", "0 seconds"), (1, "1 s", "1 second"), (90, "1 min 30 s", "1 minute 30 seconds"),
        (3600, "1 h", "1 hour"), (93_600, "1 d 2 h", "1 day 2 hours"),
    ],
)  # fmt: skip
def test_it_writes_them(seconds: int, short: str, full: str) -> None:
    assert (written(seconds), in_full(seconds)) == (short, full)


@given(st.integers(0, 10 * 365 * 86400))
def test_it_reads_what_it_writes(seconds: int) -> None:
    assert seconds_of(written(seconds)) == seconds
    assert seconds_of(in_full(seconds)) == seconds
