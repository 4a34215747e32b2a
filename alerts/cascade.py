"""Whether several endpoints fail together, who fell first, and where it comes from. Pure.

The guide: three or more endpoints that fail within five minutes are CRITICAL. Here an endpoint fails when its failures exceed what
is usual for it beyond chance (alerts.judging.usual_failures), and are twice as many at least, and it has not recovered meanwhile.
Endpoints fail together when so many of them at once are no chance either: of a hundred endpoints three are soon beyond one bound or
another. And as many as are asked for have to go on failing for 24 seconds, which a restart does not: that much time it costs to
tell the two apart.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.judging.falling import (
    RECOVERED,
    Condition,
    Endpoint,
    Member,
    Minute,
    chance_beyond,
    fallen,
    how_well,
    looks_at,
)
from alerts.judging.suspects import Suspect, suspects_of
from alerts.judging.usual_failures import binomial_tail, typical_share

__all__ = ["Cascade", "Condition", "Course", "Endpoint", "Member", "Minute", "beyond_usual", "cascade_of", "course_of"]

# So many endpoints fail together when chance would bring that once in a million looks.
_TOGETHER = 1e-6
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Cascade:
    """``members`` in the order in which they fell; ``suspects`` the likeliest first. ``chance``: of so many failing at once."""

    members: tuple[Member, ...]
    suspects: tuple[Suspect, ...]
    chance: float
    summary: str

    @property
    def began_at(self) -> datetime:
        return self.members[0].began_at


@dataclass(frozen=True, slots=True)
class Course:
    """How a cascade goes on: who ``joined``, who ``recovered``, and who of the earlier members is ``failing`` still."""

    joined: tuple[Member, ...]
    recovered: tuple[Member, ...]
    failing: tuple[Member, ...]

    @property
    def members(self) -> tuple[Member, ...]:
        return _in_order((*self.failing, *self.joined))

    @property
    def is_over(self) -> bool:
        """One endpoint alone is not together."""
        return len(self.failing) + len(self.joined) < 2


def cascade_of(
    endpoints: Iterable[Endpoint],
    *,
    now: datetime,
    condition: Condition | None = None,
    released_at: Mapping[str, datetime] | None = None,
) -> Cascade | None:
    """``released_at``: when each release was first seen, where it is known."""
    condition = condition or Condition()
    given = list(endpoints)
    typical = typical_share(endpoint.usual for endpoint in given)
    looks = looks_at(given, now=now, condition=condition, typical=typical)
    found = [one for look in looks if (one := fallen(look, condition)) is not None]
    if len(found) < max(condition.endpoints, 1):
        return None
    judged = sum(look.could_fail(condition) for look in looks)
    chance = _chance_together([one.chance for one in found], judged=judged, least=condition.endpoints)
    # Each of them alone may have too few requests to say that it is over.
    is_over = min(map(sum, zip(*(one.calm for one in found), strict=True))) < math.log(RECOVERED)
    if chance > _TOGETHER or is_over or sum(one.lasts for one in found) < condition.endpoints:
        return None
    members = _in_order(one.member for one in found)
    keys = {member.key for member in members}
    suspects = suspects_of(
        [one.witness for one in sorted(found, key=lambda one: one.member.key)],
        others=[look.endpoint.words for look in looks if look.endpoint.key not in keys],
        released_at=released_at,
    )
    return Cascade(members, suspects, chance, _summary(members, suspects))


def beyond_usual(endpoints: Iterable[Endpoint], *, now: datetime, condition: Condition, typical: float) -> int:
    """How many of these endpoints fail beyond what is usual for them: with fewer than are asked for there is no cascade.

    A part of what `cascade_of` does that asks neither for exact times nor for words. ``typical`` is that of all endpoints.
    """
    looks = looks_at(endpoints, now=now, condition=condition, typical=typical)
    return sum(chance_beyond(look, condition) is not None for look in looks)


def course_of(
    members: Sequence[Member], endpoints: Iterable[Endpoint], *, now: datetime, condition: Condition | None = None
) -> Course:
    """What became of a cascade's members. Who left no trace in the minutes has recovered.

    An endpoint recovers when it is back at what is usual, and it is no accident of few requests: failing half as often would have
    shown. Without requests it recovers when the window is over.
    """
    condition = condition or Condition()
    given = list(endpoints)
    typical = typical_share(endpoint.usual for endpoint in given)
    looks = {look.endpoint.key: look for look in looks_at(given, now=now, condition=condition, typical=typical)}
    before = {member.key: member for member in members}
    well = {key: how_well(member, looks.get(key)) for key, member in before.items()}
    bound = math.log(RECOVERED)
    undecided = {key: value for key, value in well.items() if bound < value < 0}
    # Of one with few requests it takes long to say; of several together it does not.
    are_well = undecided.keys() if sum(undecided.values()) <= bound else frozenset()
    has_recovered = {key: value <= bound or key in are_well for key, value in well.items()}
    recovered = [member for key, member in before.items() if has_recovered[key]]
    failing = [member for key, member in before.items() if not has_recovered[key]]
    others = (fallen(look, condition) for key, look in looks.items() if key not in before)
    joined = [one.member for one in others if one is not None and one.lasts]
    return Course(_in_order(joined), _in_order(recovered), _in_order(failing))


def _chance_together(chances: Sequence[float], *, judged: int, least: int) -> float:
    """That of ``judged`` endpoints so many are so far from what is usual: the likeliest number of them decides."""
    ordered = sorted(chances)
    return min(
        binomial_tail(number, max(judged, number), ordered[number - 1])
        for number in range(max(least, 1), len(ordered) + 1)
    )


def _in_order(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=lambda member: (member.began_at, member.service_id, member.endpoint)))


def _summary(members: Sequence[Member], suspects: Sequence[Suspect]) -> str:
    services = len({member.service_id for member in members})
    failures, expected = sum(member.failures for member in members), sum(member.expected for member in members)
    names = ", then ".join(member.endpoint for member in members[:_NAMED])
    more = f" and {len(members) - _NAMED} more" if len(members) > _NAMED else ""
    of_services = f" of {services} services" if services > 1 else ""
    origin = (
        f"likely origin: {suspects[0].kind.value} {suspects[0].value}"
        if suspects
        else "nothing that they share was found"
    )
    return (
        f"{len(members)} endpoints{of_services} fail together "
        f"({failures:,} failures, {expected:,.0f} expected): {names}{more}; {origin}."
    )
