"""How badly a component is affected, in order. Pure: `alerts.models.ImpactLevel` has the same numbers."""

from enum import IntEnum


class Level(IntEnum):
    OPERATIONAL = 0
    MAINTENANCE = 1
    DEGRADED = 2
    PARTIAL = 3
    MAJOR = 4


WORDS: dict[Level, str] = {
    Level.OPERATIONAL: "Operational",
    Level.MAINTENANCE: "Under maintenance",
    Level.DEGRADED: "Degraded",
    Level.PARTIAL: "Partial outage",
    Level.MAJOR: "Major outage",
}
# A word for machines: classes of the style sheet and values of the JSON feed.
NAMES: dict[Level, str] = {
    Level.OPERATIONAL: "operational",
    Level.MAINTENANCE: "maintenance",
    Level.DEGRADED: "degraded",
    Level.PARTIAL: "partial_outage",
    Level.MAJOR: "major_outage",
}
