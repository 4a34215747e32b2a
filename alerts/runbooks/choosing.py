"""Which runbook an incident follows: the one about its events, else the one of its rules, else the one for everything else."""

from collections.abc import Iterable, Sequence

from alerts.matching import is_like
from alerts.models import Incident, Runbook


def runbook_for(incident: Incident) -> Runbook | None:
    """None when none of them is about it and none is for everything else."""
    runbooks = list(Runbook.objects.filter(is_enabled=True).order_by("pk").prefetch_related("rules"))
    alerts = list(incident.alerts.select_related("rule").order_by("membership__joined_at", "membership__pk"))
    names = _each_once(
        name
        for one in alerts
        # What the group is of, before what the rule is about, which may be more.
        for name in (str(one.labels.get("name") or ""), *one.rule.names)
    )
    names += _each_once(incident.issues.order_by("incident_links__joined_at", "pk").values_list("name", flat=True))
    rules = _each_once(rule_id for rule_id in (incident.rule_id, *(one.rule_id for one in alerts)) if rule_id)
    return (
        _about(names, runbooks)
        or _of_rules(rules, runbooks)
        or next((one for one in runbooks if one.is_fallback), None)
    )


def _about(names: Sequence[str], runbooks: Sequence[Runbook]) -> Runbook | None:
    """The first name that a runbook is about decides; ``*`` in a runbook's names stands for anything."""
    for name in names:
        for runbook in runbooks:
            if any(is_like(name, wanted) for wanted in runbook.event_names):
                return runbook
    return None


def _of_rules(rule_ids: Sequence[int], runbooks: Sequence[Runbook]) -> Runbook | None:
    for rule_id in rule_ids:
        for runbook in runbooks:
            if any(rule.pk == rule_id for rule in runbook.rules.all()):
                return runbook
    return None


def _each_once[T: (str, int)](values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(value for value in values if value))
