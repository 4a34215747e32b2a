"""The alerts of a rule as a replay goes through time: the machine of `alerts.judging.machine`, without tables. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from alerts.conditions import Judged
from alerts.judging.machine import Open, Patience, Step, step


@dataclass(slots=True)
class ReplayedAlert:
    """An alert as it would have been. ``worst`` is the judgement that was furthest beyond its threshold.

    ``resolved_at`` is None for one that still fires at the end.
    """

    labels: Mapping[str, str]
    started_at: datetime
    held_at: datetime
    worst: Judged
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    event_count: int = 0
    # What it rests on, as far as the next judgement asks for it.
    evidence: Mapping[str, Any] = field(default_factory=dict)


def excess(judged: Judged) -> float:
    """How far beyond its threshold: 1 is at it. Without a threshold, the value."""
    value = judged.value or 0.0
    return value / judged.threshold if judged.threshold else value


class Course:
    """Open alerts by the keys of their groups, and those that fired, in the order in which they did."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self.open: dict[str, ReplayedAlert] = {}
        self.fired: list[ReplayedAlert] = []
        # Those that were over before they fired.
        self.brief_count = 0

    def move(
        self, key: str, labels: Mapping[str, str], judged: Judged | None, now: datetime, *, event_count: int = 0
    ) -> None:
        """Take the group's alert where the judgement leads; None: there is nothing of the group, and so it does not hold."""
        holds = judged is not None and judged.holds
        alert = self.open.get(key)
        opened = None if alert is None else Open(alert.fired_at is not None, alert.started_at, alert.held_at)
        what = step(opened, holds=holds, now=now, patience=self.patience)
        if judged is not None and holds:
            if alert is None:
                alert = self.open[key] = ReplayedAlert(labels, now, now, judged)
            alert.held_at = now
            alert.event_count += event_count
            if judged.evidence is not None:
                alert.evidence = judged.evidence
            if excess(judged) > excess(alert.worst):
                alert.worst = judged
        if alert is None:
            return
        if what in (Step.START_FIRING, Step.FIRE):
            alert.fired_at = now
            self.fired.append(alert)
        elif what is Step.RESOLVE:
            alert.resolved_at = now
            del self.open[key]
        elif what is Step.SUBSIDE:
            self.brief_count += 1
            del self.open[key]
