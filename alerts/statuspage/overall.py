"""The state of the whole product in words, from the states of its components and what is going on. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from alerts.statuspage.levels import Level


@dataclass(frozen=True, slots=True)
class Overall:
    """``level`` gives the colour."""

    level: Level
    words: str


def overall(levels: Collection[Level], *, open_incidents: int, running_maintenance: int = 0) -> Overall:
    """``levels``: of each component now. ``open_incidents``: those that users were told of and not told to be over."""
    affected = [level for level in levels if level > Level.OPERATIONAL]
    worst = max(affected, default=Level.OPERATIONAL)
    if worst is Level.MAJOR:
        down = sum(level is Level.MAJOR for level in levels)
        words = "Major outage" if down == len(levels) else "Major outage of some systems"
        return Overall(worst, words)
    if worst is Level.PARTIAL:
        return Overall(worst, "Partial outage of some systems" if len(levels) > 1 else "Partial outage")
    if worst is Level.DEGRADED:
        return Overall(worst, "Some systems are degraded" if len(levels) > 1 else "Degraded")
    if open_incidents:
        return Overall(Level.DEGRADED, "We are looking into a problem")
    if worst is Level.MAINTENANCE or running_maintenance:
        return Overall(Level.MAINTENANCE, "Maintenance is under way")
    return Overall(Level.OPERATIONAL, "All systems are operational")
