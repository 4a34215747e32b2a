"""The words of a digest as every form of it says them: what the kind and the period are called, and texts that can be trusted.

What others wrote stands in a digest as one line, without signs that steer how it is shown, and cut; where it is written from right
to left, the words around it keep their place.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from alerts.channels.message import cut, is_web_address, one_line
from dashboards.digests.content import MOST_ACTIONS, MOST_BARS, MOST_ROWS, Action, Bar, Content, Row, Section
from dashboards.digests.periods import Kind
from dashboards.pages.words import counted, joined
from events import formats
from events.formats import DEFAULT

NAMES = {Kind.DAILY: "Daily review", Kind.WEEKLY: "Weekly review", Kind.MONTHLY: "Monthly review"}
TO_DO = {Kind.DAILY: "Do today", Kind.WEEKLY: "Do this week", Kind.MONTHLY: "Do this month"}
TONES = {"bad": "Needs you", "warn": "Worth a look", "good": "All quiet"}

MOST_SECTIONS, MOST_QUIET, MOST_NOTES = 24, 40, 8
_HEADLINE, _PREHEADER, _TITLE, _LABEL, _NUMBER, _LINE, _SCOPE, TEXT, LINK = 100, 180, 60, 60, 100, 160, 300, 600, 2000
_RIGHT_TO_LEFT = ("R", "AL", "AN")
# What may stand in an address of ours, and begins no other host's.
_PATH = re.compile(r"/(?!/)[A-Za-z0-9/?#&=%+.,:;@!$*()~_\-]*")
_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z0-9“])")


@dataclass(frozen=True, slots=True)
class About:
    """Whom a digest is for and which one it is. ``start`` and ``end`` aware; ``zone`` is the reader's.

    ``base_url`` is what links begin with, "" for a reader who may not open the admin: there are none then. Addresses that are ""
    are left out. ``scope_words`` is what `scope_words` says. Numbers and dates are written as in ``formats``, where the whole is
    put together (`mail_of`, `page_of`, `text_of`, `slack_of`).
    """

    kind: Kind
    start: datetime
    end: datetime
    zone: tzinfo
    is_late: bool
    base_url: str
    digest_url: str
    settings_url: str
    unsubscribe_url: str
    scope_words: str
    formats: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Room:
    """How much is said: sections with charts and rows, and how long texts and addresses may be."""

    full_sections: int = MOST_SECTIONS
    text: int = TEXT
    link: int = LINK


def scope_words(services: Sequence[str], environments: Sequence[str]) -> str:
    """``web and api in production``, ``all services in all environments``: names, none for all of them."""
    what = joined([said(one, _LABEL) for one in services]) if services else "all services"
    return f"{what} in {joined([said(one, _LABEL) for one in environments]) if environments else 'all environments'}"


def scope_of(about: About) -> str:
    """As one line: names of services and environments are other people's words."""
    return said(about.scope_words, _SCOPE)


def period_words(about: About) -> str:
    """``Thu 26 Nov, 08:00 – Fri 27 Nov 2026, 08:00 (Europe/Berlin)``."""
    first, last = about.start.astimezone(about.zone), about.end.astimezone(about.zone)
    began = formats.day_and_hour(first, has_weekday=True, has_year=first.year != last.year)
    return f"{began} – {formats.day_and_hour(last, has_weekday=True)} ({about.zone})"


def day_words(about: About) -> str:
    """``Friday 27 November 2026``: the day on which it is read."""
    return formats.whole_day(about.end.astimezone(about.zone))


def late_words(about: About) -> str:
    """Why it comes at another time than usual; "" when it does not."""
    if not about.is_late:
        return ""
    return f"Late: it was due on {day_words(about)} at {formats.hour(about.end.astimezone(about.zone))}."


def why_words(about: About) -> str:
    """Why somebody gets it."""
    return f"You get this because you asked for the {NAMES[about.kind].lower()} of {scope_of(about)}."


def subject_of(content: Content, about: About, product: str) -> str:
    """``Daily: payment checkout failing for 31 users – lift``; the verdict's first sentence."""
    verdict = said(headline(content.verdict)[0], _HEADLINE).rstrip(".")
    late = " (late)" if about.is_late else ""
    name = f" – {said(product, _LABEL)}" if product else ""
    return f"{about.kind.value.capitalize()}{late}: {verdict}{name}"


def preheader_of(content: Content) -> str:
    """What lists of mails show behind the subject: the rest of the verdict, and what to do first."""
    rest = headline(content.verdict)[1]
    todo = f"First: {content.actions[0].text}." if content.actions else ""
    words = " ".join(part for part in (rest, todo) if part) or quiet_words(content) or "Nothing else to report."
    return said(_whole_words(words, _PREHEADER), _PREHEADER)


def _whole_words(text: str, most: int) -> str:
    """What is longer ends with a whole word, where it has one."""
    if len(text) <= most or (at := text.rfind(" ", 0, most)) < 0:
        return text
    return f"{text[:at]}…"


def quiet_words(content: Content) -> str:
    """``Nothing to report: Formspree, data consistency.``"""
    return f"Nothing to report: {', '.join(content.quiet)}." if content.quiet else ""


def headline(verdict: str) -> tuple[str, str]:
    """Its first sentence, or as many whole parts of it as a subject has room for, and the rest; each is isolated by itself."""
    first, *others = _SENTENCE_END.split(one_line(verdict), maxsplit=1)
    if len(first) > _HEADLINE and (at := first.rfind("; ", 0, _HEADLINE)) > 0:
        others.insert(0, first[at + 2 :])
        first = f"{first[:at]}."
    return said(first, TEXT), said(" ".join(others), TEXT)


def said(text: str, most: int) -> str:
    """One line of at most ``most`` characters; isolated where signs in it are written from right to left."""
    line = cut(one_line(text[: 8 * most]), most)  # what is longer by far need not be read to be cut
    if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in line):
        return f"\u2068{line}\u2069"
    return line


def address(link: str, base_url: str, most: int = LINK) -> str:
    """Of a path of this Liftmon; "" where there is none, or the reader could not open it."""
    if not base_url or not _PATH.fullmatch(link):
        return ""
    found = f"{base_url}{link}"
    return found if is_web_address(found) and len(found) <= most else ""


def usable(url: str) -> str:
    """The address when it may stand behind a link, else ""."""
    return url if is_web_address(url) and len(url) <= LINK else ""


def trusted(content: Content, base_url: str, room: Room | None = None) -> Content:
    """The same with texts that can be trusted, cut to what there is room for, and with whole addresses as links."""
    room = room or Room()
    sections = content.sections[:MOST_SECTIONS]
    return Content(
        verdict=said(content.verdict, room.text), tone=content.tone if content.tone in TONES else "warn",
        actions=tuple(_action(one, base_url, room) for one in content.actions[:MOST_ACTIONS]),
        sections=tuple(
            _section(one, base_url, room, is_full=number < room.full_sections) for number, one in enumerate(sections)
        ),
        quiet=tuple(said(one, _TITLE) for one in content.quiet[:MOST_QUIET]),
        notes=tuple(said(one, room.text) for one in content.notes[:MOST_NOTES]),
        incidents=tuple(_row(one, base_url, room) for one in content.incidents[:MOST_ROWS]),
        open_count=content.open_count,
    )  # fmt: skip


def left_out(content: Content) -> str:
    """``and 4 more``: open incidents that are not named; "" when all are."""
    more = content.open_count - len(content.incidents)
    return f"and {formats.number(more)} more" if content.incidents and more > 0 else ""


def row_words(row: Row) -> str:
    """``career: 38 timeouts``."""
    if not row.number:
        return row.text
    return f"{row.text} – {row.number}" if ":" in row.text else f"{row.text}: {row.number}"


def marks_of(section: Section) -> list[str]:
    """What stands beside a title: ``["changed", "31 users"]``."""
    users = counted(section.users, "user") if section.users else ""
    return [mark for mark in ("changed" if section.is_changed else "", users) if mark]


def _action(one: Action, base_url: str, room: Room) -> Action:
    return replace(
        one, text=said(one.text, min(room.text, 200)), evidence=said(one.evidence, min(room.text, 400)),
        link=address(one.link, base_url, room.link),
    )  # fmt: skip


def _row(one: Row, base_url: str, room: Room) -> Row:
    return Row(said(one.text, _LINE), said(one.number, _NUMBER), address(one.link, base_url, room.link))


def _section(one: Section, base_url: str, room: Room, *, is_full: bool) -> Section:
    short = Section(
        name="".join(char if char.isascii() and char.isalnum() else "-" for char in one.name[:40]),
        title=said(one.title, _TITLE), question=said(one.question, min(room.text, 240)),
        link=address(one.link, base_url, room.link), sentence=said(one.sentence, room.text), users=max(one.users, 0),
        is_changed=one.is_changed,
    )  # fmt: skip
    if not is_full:
        return short
    return replace(
        short,
        rows=tuple(_row(row, base_url, room) for row in one.rows[:MOST_ROWS]),
        bars=tuple(
            Bar(said(bar.label, _LABEL), bar.value if 0 < bar.value < math.inf else 0.0, said(bar.words, _LABEL))
            for bar in one.bars[:MOST_BARS]
        ),
        bars_caption=said(one.bars_caption, _LINE),
        trend=one.trend,
        trend_caption=said(one.trend_caption, _LINE),
    )
