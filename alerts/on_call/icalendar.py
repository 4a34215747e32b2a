"""Calendars as files that calendar programs read (RFC 5545). Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

CONTENT_TYPE = "text/calendar; charset=utf-8"
# Octets in a line, its end not counted (RFC 5545, 3.1).
LINE_LENGTH = 75


@dataclass(frozen=True, slots=True)
class Entry:
    """``uid`` stays the same for the same entry, so that programs change it and do not add a second. Moments are aware."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    summary: str
    description: str = ""
    url: str = ""


def calendar(name: str, entries: Iterable[Entry], *, now: datetime) -> bytes:
    """The whole file, in UTF-8, with folded lines that end in CRLF."""
    return b"".join(folded(line) for line in _lines(name, entries, now))


def _lines(name: str, entries: Iterable[Entry], now: datetime) -> Iterator[str]:
    yield from (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Liftmon//On call//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
    )
    # The standard's name for it (RFC 7986) and the older one that most programs read.
    yield f"NAME:{escaped(name)}"
    yield f"X-WR-CALNAME:{escaped(name)}"
    yield "REFRESH-INTERVAL;VALUE=DURATION:PT1H"
    yield "X-PUBLISHED-TTL:PT1H"
    for entry in entries:
        yield "BEGIN:VEVENT"
        yield f"UID:{escaped(entry.uid)}"
        yield f"DTSTAMP:{_moment(now)}"
        yield f"DTSTART:{_moment(entry.starts_at)}"
        yield f"DTEND:{_moment(entry.ends_at)}"
        yield f"SUMMARY:{escaped(entry.summary)}"
        if entry.description:
            yield f"DESCRIPTION:{escaped(entry.description)}"
        if entry.url:
            yield f"URL:{_without_control(entry.url)}"
        # Nobody is busy because they are on call.
        yield "TRANSP:TRANSPARENT"
        yield "END:VEVENT"
    yield "END:VCALENDAR"


def escaped(text: str) -> str:
    """A value of type TEXT."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return _without_control(text)


def folded(line: str) -> bytes:
    """One line of content, folded between characters so that none of its lines is longer than 75 octets, with its CRLF."""
    parts: list[bytes] = [b""]
    for char in line:
        encoded = char.encode("utf-8", "replace")
        # A line that goes on begins with a space, which counts.
        room = LINE_LENGTH if len(parts) == 1 else LINE_LENGTH - 1
        if len(parts[-1]) + len(encoded) > room:
            parts.append(b"")
        parts[-1] += encoded
    return b"\r\n ".join(parts) + b"\r\n"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _without_control(text: str) -> str:
    return "".join(char for char in text if char == "\t" or (ord(char) >= 32 and ord(char) != 127))
