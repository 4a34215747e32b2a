"""What a digest says, before a mail, a message or a page gives it its form. Pure.

Sections come in the order of what changed and whom it hurt; those with nothing to say are one line together. At the top stand a
verdict and the few things that are worth doing today.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MOST_ROWS, MOST_ACTIONS, MOST_BARS = 3, 3, 14
# A verdict without a colour of its own.
GOOD = "good"


@dataclass(frozen=True, slots=True)
class Bar:
    """``value`` is not negative; ``words`` is how it is said (“38 timeouts”)."""

    label: str
    value: float
    words: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line with its number, and the page behind it (a path of this Liftmon; "" for none)."""

    text: str
    number: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do today: what, and on what evidence. ``users`` are those whom it would help; the most come first."""

    text: str
    evidence: str
    link: str
    users: int = 0
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """``question`` is the one of the catalogue that it answers, ``sentence`` its answer in words ("" for nothing to report).

    ``users`` are those hurt; ``is_changed``: beyond chance, or new. There is one small chart at most, with its caption: ``bars``,
    or ``trend``, a number for each step of the window, the earliest first.
    """

    name: str
    title: str
    question: str
    link: str
    sentence: str = ""
    users: int = 0
    is_changed: bool = False
    rows: tuple[Row, ...] = ()
    bars: tuple[Bar, ...] = ()
    bars_caption: str = ""
    trend: tuple[float, ...] = ()
    trend_caption: str = ""
    actions: tuple[Action, ...] = ()

    @property
    def has_news(self) -> bool:
        return bool(self.sentence)


@dataclass(frozen=True, slots=True)
class Content:
    """``tone`` is "bad", "warn" or "good". ``quiet`` are the titles of sections with nothing to report.

    ``incidents`` are the gravest of the ``open_count`` incidents that were open when it was written.
    """

    verdict: str
    tone: str
    actions: tuple[Action, ...] = ()
    sections: tuple[Section, ...] = ()
    quiet: tuple[str, ...] = ()
    # Sentences about Liftmon itself: what it could not count, what is late.
    notes: tuple[str, ...] = ()
    incidents: tuple[Row, ...] = ()
    open_count: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether anything is worth a mail to who wants one only then."""
        return self.tone != GOOD or any(one.is_changed for one in self.sections)


def content_of(
    verdict: str,
    tone: str,
    sections: Iterable[Section],
    *,
    notes: Sequence[str] = (),
    incidents: Sequence[Row] = (),
    open_count: int = 0,
) -> Content:
    """In the order in which people should read it. Actions: urgent ones, then of what changed, then by whom they help."""
    found = list(sections)
    told = sorted(
        (one for one in found if one.has_news), key=lambda one: (not one.is_changed, -one.users)
    )  # equal ones stay in the order of the guide
    actions = [
        action
        for _, action in sorted(
            ((one.is_changed, action) for one in told for action in one.actions),
            key=lambda found: (not found[1].is_urgent, not (found[0] or found[1].is_urgent), -found[1].users),
        )
    ]
    return Content(
        verdict=verdict, tone=tone, actions=tuple(actions[:MOST_ACTIONS]), sections=tuple(told),
        quiet=tuple(one.title for one in found if not one.has_news), notes=tuple(notes), incidents=tuple(incidents),
        open_count=open_count,
    )  # fmt: skip


def quiet_sentence(content: Content) -> str:
    """“Nothing to report: Formspree, data consistency.”"""
    return f"Nothing to report: {', '.join(content.quiet)}." if content.quiet else ""


def written(content: Content) -> dict[str, Any]:
    """As JSON keeps it."""
    return asdict(content)


def read(kept: dict[str, Any]) -> Content:
    """What `written` made."""
    return Content(
        verdict=kept["verdict"], tone=kept["tone"], quiet=tuple(kept["quiet"]), notes=tuple(kept["notes"]),
        actions=tuple(Action(**one) for one in kept["actions"]),
        incidents=tuple(Row(**one) for one in kept.get("incidents", ())), open_count=kept.get("open_count", 0),
        sections=tuple(
            Section(
                **{
                    **one,
                    "rows": tuple(Row(**row) for row in one["rows"]),
                    "bars": tuple(Bar(**bar) for bar in one["bars"]),
                    "trend": tuple(one.get("trend", ())),
                    "actions": tuple(Action(**action) for action in one["actions"]),
                }
            )
            for one in kept["sections"]
        ),
    )  # fmt: skip
