"""How badly an incident affects which components, and since when: the only writer of ComponentImpact.

Callers hold the lock of the incident's row, so that of two who say it at once the later one decides.
"""

from collections.abc import Mapping
from datetime import datetime

from alerts.models import ComponentImpact, ImpactLevel, Incident


def set_levels(incident: Incident, levels: Mapping[int, int], *, at: datetime) -> set[int]:
    """``levels`` by component id: those that are affected from now on; all others no longer are. The components that were before.

    What is affected for the first time has been since users were hurt first; what no longer is, was until users were hurt last.
    """
    known = ComponentImpact.objects.filter(incident=incident).order_by("pk")
    before = {one.component_id for one in known}
    open_rows = {one.component_id: one for one in known if one.ended_at is None}
    for component_id, row in open_rows.items():
        if levels.get(component_id) != row.level:
            is_over = component_id not in levels
            row.ended_at = max(row.started_at, _over_at(incident, at) if is_over else at)
            row.save(update_fields=["ended_at"])
    ComponentImpact.objects.bulk_create(
        ComponentImpact(
            incident=incident, component_id=component_id, level=ImpactLevel(level),
            started_at=at if component_id in before else min(incident.started_at, at),
        )
        for component_id, level in sorted(levels.items())
        if component_id not in open_rows or open_rows[component_id].level != level
    )  # fmt: skip
    return before


def levels_of(incident: Incident) -> dict[int, ImpactLevel]:
    """By component id, of what it affects now."""
    rows = ComponentImpact.objects.filter(incident=incident, ended_at=None)
    return {component_id: ImpactLevel(level) for component_id, level in rows.values_list("component_id", "level")}


def _over_at(incident: Incident, at: datetime) -> datetime:
    return min(incident.ended_at, at) if incident.ended_at is not None else at
