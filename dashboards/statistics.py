"""How sure a share is, and how much a number has changed. Pure."""

import math
from dataclasses import dataclass

# 95 % of the normal distribution lie within so many standard deviations.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``total``; ``low`` and ``high`` bound the true share with 95 % confidence. All shares from 0 to 1.

    Without a total nothing is known: the share is None and the bounds are 0 and 1.
    """

    count: int
    total: int
    share: float | None
    low: float
    high: float


def share_of(count: int, total: int) -> Share:
    """With the score interval of Wilson ("Probable inference, the law of succession, and statistical inference", JASA 1927).

    ``count`` beyond ``total`` counts as all of it.
    """
    if total <= 0:
        return Share(count, 0, None, 0.0, 1.0)
    share = min(count / total, 1.0)
    z2 = _Z * _Z
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    # Rounding must not put a share of 0 or 1 outside of its own bounds.
    return Share(count, total, share, max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)))


def share_if_known(count: int, total: int) -> Share:
    """The same where fewer than ``count`` are known in all: then nothing is known of the share."""
    return share_of(count, total if total >= count else 0)


@dataclass(frozen=True, slots=True)
class Change:
    """A number of this window and of the one before. ``ratio`` is 0.5 for half as much again; None: there was nothing before."""

    now: float
    before: float
    ratio: float | None


def change_of(now: float, before: float) -> Change:
    return Change(now, before, (now - before) / before if before else None)


def is_apart(one: Share, other: Share) -> bool:
    """Whether two shares differ beyond chance (95 %): the interval of their difference leaves 0 out.

    Newcombe's score interval, his method 10 ("Interval estimation for the difference between independent proportions",
    Statistics in Medicine 1998).
    """
    if one.share is None or other.share is None:
        return False
    if one.share < other.share:
        one, other = other, one
    difference = (one.share or 0.0) - (other.share or 0.0)
    return difference > math.hypot((one.share or 0.0) - one.low, other.high - (other.share or 0.0))


def is_more(now: int, before: int) -> bool:
    """Whether a count exceeds that of a time as long beyond chance (95 %): by its square root, as counts of rare events scatter."""
    return 2 * (math.sqrt(now + 3 / 8) - math.sqrt(before + 3 / 8)) > _Z * math.sqrt(2)
