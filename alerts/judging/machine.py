"""The states of an alert: what a judgement makes of the one that is open. Pure.

``pending`` becomes ``firing`` when the condition has held for as long as the rule asks, and ends when it does not; ``firing`` is
resolved when the condition has not held for as long as the rule asks, so that what comes and goes is one alert and not many.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Step(StrEnum):
    """What to do about the alert of a group."""

    NOTHING = "nothing"
    START = "start"  # a new one, pending
    START_FIRING = "start firing"
    FIRE = "fire"
    HOLD = "hold"  # it goes on
    SUBSIDE = "subside"  # pending, and over before it fired
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Open:
    """An open alert. ``held_at``: when the condition was last seen to hold."""

    is_firing: bool
    started_at: datetime
    held_at: datetime


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a condition must hold before the alert fires, and be gone before it is resolved."""

    before_firing: timedelta
    before_resolving: timedelta


def step(alert: Open | None, *, holds: bool, now: datetime, patience: Patience) -> Step:
    if alert is None:
        if not holds:
            return Step.NOTHING
        return Step.START if patience.before_firing else Step.START_FIRING
    if holds:
        if not alert.is_firing and now - alert.started_at >= patience.before_firing:
            return Step.FIRE
        return Step.HOLD
    if not alert.is_firing:
        return Step.SUBSIDE
    return Step.RESOLVE if now - alert.held_at >= patience.before_resolving else Step.NOTHING
