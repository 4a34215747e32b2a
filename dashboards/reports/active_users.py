"""Active users: everybody whom any event names."""

from dataclasses import dataclass

from dashboards.reports.question import Question
from dashboards.reports.runner import ask


@dataclass(frozen=True, slots=True)
class _Heard:
    active_users: int


def active_users(question: Question) -> int:
    """How many there were in the window."""
    return ask("users_heard", question, _Heard)[0].active_users
