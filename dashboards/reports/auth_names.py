"""Which events tell of sign-in, sessions and abuse, by their names."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dashboards.reports.question import Question
from dashboards.reports.runner import ask
from dashboards.statistics import Change, change_of
from dashboards.window import Span

LOCKOUT, LIMITED, AUTH_FAILURE, UNSTABLE, TIMED_OUT, NOT_AUTHENTICATED = (
    "lockout", "limited", "auth failure", "unstable session", "session timeout", "not authenticated",
)  # fmt: skip
# Which names tell of what; the first that fits. Read by PostgreSQL as well, which knows these signs in the same way.
KINDS = (
    (LOCKOUT, r"(^|_)lockout$"),
    (LIMITED, r"(^|_)rate_limited$"),
    (AUTH_FAILURE, r"^auth_system_failure$"),
    (UNSTABLE, r"^session_stabilization_failure$"),
    (TIMED_OUT, r"session.*(timeout|time_out|timed_out|expired)"),
    (NOT_AUTHENTICATED, r"not_?authenticated|unauthenticated|unauthori[sz]ed"),
)
_PATTERN = "|".join(f"({pattern})" for _, pattern in KINDS)


@dataclass(frozen=True, slots=True)
class NamedCount:
    """Events of one name. ``kind`` is one of the words above."""

    kind: str
    name: str
    event_count: int
    change: Change


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """Sessions that were not there after so many ``attempts`` ("" for none told)."""

    attempts: str
    event_count: int


@dataclass(frozen=True, slots=True)
class KindStep:
    """Events of one kind in the step of that number."""

    kind: str
    place: int
    event_count: int


@dataclass(frozen=True, slots=True)
class _Name:
    name: str
    attempts: str
    event_count: int
    event_count_before: int


def kind_of(name: str) -> str:
    """What an event of that name tells of; "" for nothing of this."""
    return next((kind for kind, pattern in KINDS if re.search(pattern, name, re.IGNORECASE)), "")


def named_counts(question: Question) -> tuple[list[NamedCount], list[AttemptCount]]:
    """Names of the window and of the one before, by kind, the most first; and the attempts of sessions that were not stable."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    attempts: dict[str, int] = defaultdict(int)
    for row in ask("auth_names", question, _Name, pattern=_PATTERN):
        sums[row.name][0] += row.event_count
        sums[row.name][1] += row.event_count_before
        if kind_of(row.name) == UNSTABLE and row.event_count:
            attempts[row.attempts] += row.event_count
    named = [NamedCount(kind_of(name), name, now, change_of(now, before)) for name, (now, before) in sums.items()]
    return (
        sorted(
            (one for one in named if one.kind), key=lambda one: (_ORDER.index(one.kind), -one.event_count, one.name)
        ),
        [AttemptCount(*one) for one in sorted(attempts.items(), key=lambda found: (len(found[0]), found[0]))],
    )


def of_kinds(named: Iterable[NamedCount], *kinds: str) -> dict[str, str]:
    """The names of those kinds, with the kind of each."""
    return {one.name: one.kind for one in named if one.kind in kinds}


def by_step(question: Question, kinds: Mapping[str, str], steps: Sequence[Span] = ()) -> list[KindStep]:
    """Events of those names (with the kind of each) in steps, by default those of the window; steps without any are left out."""
    if not kinds:
        return []
    return ask("auth_by_step", question, KindStep, steps=steps, names=list(kinds), kinds=list(kinds.values()))


_ORDER = [kind for kind, _ in KINDS]
