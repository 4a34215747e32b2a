"""The items of a review, each by a name that stays while its numbers change. Pure."""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qsl, urlencode, urlsplit

from dashboards.digests.content import Content, Section

_OF_WINDOW = frozenset({"window", "from", "to"})
LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Item:
    """``key`` may stand in an address and in HTML as an id. ``number`` is "" where the text says it."""

    key: str
    text: str
    number: str
    link: str
    evidence: str = ""
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class ReviewSection:
    """A section with its items, the first of which is its sentence."""

    section: Section
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """What is to be looked at."""

    incidents: tuple[Item, ...]
    actions: tuple[Item, ...]
    sections: tuple[ReviewSection, ...]

    def items(self) -> Iterator[Item]:
        yield from self.incidents
        yield from self.actions
        for one in self.sections:
            yield from one.items


def review_of(content: Content) -> Review:
    above = {one.link for one in content.incidents}
    return Review(
        tuple(Item(_key("open", "", one.link), one.text, one.number, one.link) for one in content.incidents),
        tuple(
            Item(_key("action", _letters(one.text), one.link), one.text, "", one.link, one.evidence, one.is_urgent)
            for one in content.actions
        ),
        tuple(ReviewSection(one, tuple(_items(one, above))) for one in content.sections),
    )


def _items(section: Section, above: Container[str]) -> Iterator[Item]:
    """``above``: addresses of what is an item already."""
    yield Item(_word(section.name), section.sentence, "", section.link)
    for row in section.rows:
        if row.link in above:
            continue
        # Rows without a page of their own are told apart by what they say.
        has_own = bool(row.link) and row.link != section.link
        yield Item(_key(section.name, "" if has_own else row.text, row.link), row.text, row.number, row.link)


def _letters(text: str) -> str:
    """What is the same for readers who write numbers otherwise, and stays when they change."""
    return "".join(char for char in text if char.isalpha())


def _key(section: str, text: str, link: str) -> str:
    return f"{_word(section)}-{sha256(f'{text}|{lasting(link)}'.encode()).hexdigest()[:16]}"


def lasting(link: str) -> str:
    """An address without its window."""
    parts = urlsplit(link)
    query = sorted((word, value) for word, value in parse_qsl(parts.query) if word not in _OF_WINDOW)
    return f"{parts.path}?{urlencode(query)}"


def words_in(link: str) -> dict[str, str]:
    """What an address narrows its page to: the name of an event, an endpoint, a service."""
    return dict(parse_qsl(urlsplit(link).query))


def _word(name: str) -> str:
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in name)[:60]
