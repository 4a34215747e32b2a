"""Active users: everybody whom any event names."""

from dataclasses import dataclass

from dashboards.reports.question import Filters, Question
from dashboards.reports.runner import ask
from dashboards.window import DAY, Span, floor
from events.rollups import CHUNK


@dataclass(frozen=True, slots=True)
class _Row:
    users: int


@dataclass(frozen=True, slots=True)
class _Heard:
    active_users: int


def active_users(question: Question) -> int:
    """How many there were in the window.

    Up to now, who was last heard of after the day that the window starts in was active: then only the sets of that day are read.
    """
    window = question.window
    first_day = floor(window.start, DAY)
    if question.filters != Filters() or window.end < window.now or window.end <= first_day + DAY:
        return ask("users_heard", question, _Heard)[0].active_users
    rest = Span(window.start, first_day + DAY)
    return ask("users_heard_since", question, _Row, steps=[rest], first_day=first_day.date(), chunk_size=CHUNK)[0].users
