"""What calendar programs are given, read back by the rules of RFC 5545."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from alerts.on_call.icalendar import Entry, calendar, escaped, folded

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def unfolded(content: bytes) -> list[str]:
    return content.replace(b"\r\n ", b"").decode().removesuffix("\r\n").split("\r\n")


def unescaped(text: str) -> str:
    found, chars = "", iter(text)
    for char in chars:
        if char == "\\":
            char = next(chars)
            char = "\n" if char in "nN" else char
        found += char
    return found


def entry(**more: str) -> Entry:
    values = {"uid": "shift-1@liftmon", "summary": "Ada", **more}
    return Entry(starts_at=NOW, ends_at=NOW + timedelta(days=7), **values)


def test_an_entry_has_what_the_standard_asks_for() -> None:
    lines = unfolded(calendar("On call", [entry(description="Turn of\nAda; Ben, too")], now=NOW))

    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-1] == "END:VCALENDAR"
    for line in (
        "VERSION:2.0", "UID:shift-1@liftmon", "DTSTAMP:20261128T120000Z", "DTSTART:20261128T120000Z",
        "DTEND:20261205T120000Z", "SUMMARY:Ada", "DESCRIPTION:Turn of\\nAda\\; Ben\\, too",
    ):  # fmt: skip
        assert line in lines


def test_lines_are_folded_between_characters() -> None:
    content = folded("SUMMARY:" + "ü" * 100)

    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert all(line.decode() for line in content.removesuffix(b"\r\n").split(b"\r\n"))
    assert unfolded(content) == ["SUMMARY:" + "ü" * 100]


@given(st.text(max_size=300))
def test_no_name_breaks_out_of_its_line(name: str) -> None:
    content = calendar(name, [entry(summary=name)], now=NOW)

    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    lines = unfolded(content)
    assert sum(line.startswith("BEGIN:VEVENT") for line in lines) == 1
    assert all("\n" not in line and "\r" not in line for line in lines)


@given(st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc")), max_size=200))
def test_what_was_escaped_reads_the_same(text: str) -> None:
    assert unescaped(escaped(text)) == text
