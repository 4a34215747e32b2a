"""When the steps of an escalation policy are due. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Due:
    """``number``: from 1 through all rounds. ``place``: the step's in the policy, from 0. ``after``: since the alert fired."""

    number: int
    place: int
    after: timedelta


def dues(waits: Sequence[timedelta], *, repeats: int, repeat_after: timedelta) -> list[Due]:
    """Each step of each round. A step waits its time after the one before it; a round begins ``repeat_after`` after the last step
    of the one before, and then waits for its own first step as the first round did."""
    found: list[Due] = []
    after = timedelta()
    for repeat in range(repeats + 1 if waits else 0):
        if repeat:
            after += repeat_after
        for place, wait in enumerate(waits):
            after += wait
            found.append(Due(len(found) + 1, place, after))
    return found
