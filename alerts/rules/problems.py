"""What is wrong with a rule that somebody wrote: the field at fault and how to mend it."""

from alerts.conditions import ConditionError
from alerts.models import AlertRule, ConditionType

# What is no failure is counted and gives no notice of its own (events.models.EventNotice).
_COUNTED_ONLY = ("info", "debug")
# Judged from counters that know no tags, or by measures that do not.
_BLIND_TO_TAGS = (
    ConditionType.LATENCY, ConditionType.ABSENCE, ConditionType.BURN_RATE, ConditionType.CASCADE, ConditionType.ESCALATING,
)  # fmt: skip
_BLIND_MEASURES = ("users", "failure_ratio")
_CASCADE_GROUPINGS = ("service", "environment")


def problems_of(rule: AlertRule) -> list[tuple[str, str]]:
    """(field, what to do about it); a parameter as ``parameters.limit``. Empty for a rule that can be judged."""
    found = []
    try:
        rule.parsed()
    except ConditionError as error:
        found.append((f"parameters.{error.parameter}"[:60], str(error)[:300]))
    else:
        found += _of_shares(rule)
    counted = [one for one in rule.severities if one in _COUNTED_ONLY]
    if rule.condition == ConditionType.EVENT and counted:
        detail = (
            f"Events of severity {' and '.join(counted)} are counted and not judged one by one: choose critical, error or "
            "warning, or the condition “A count, users hurt or a share of failures” (threshold)."
        )
        found.append(("severities", detail))
    return found + _unheeded(rule)


def _unheeded(rule: AlertRule) -> list[tuple[str, str]]:
    """What the condition does not look at must not stand there as if it did."""
    found = []
    if rule.tag and (rule.condition in _BLIND_TO_TAGS or rule.parameters.get("measure") in _BLIND_MEASURES):
        found.append(("tag", "This condition does not look at tags: leave it empty."))
    if rule.condition == ConditionType.ESCALATING:
        for name, given in (
            ("environments", rule.environments),
            ("endpoints", rule.endpoints),
            ("group_by", rule.group_by),
        ):
            if given:
                found.append(
                    (name, "Each issue is judged by all of its events, and is a group of its own: leave it empty.")
                )
    if rule.condition != ConditionType.CASCADE:
        return found
    for name, given in (("names", rule.names), ("severities", rule.severities)):
        if given:
            found.append((name, "A cascade is judged by all failures of an endpoint: leave it empty."))
    if others := [one for one in rule.group_by if one not in _CASCADE_GROUPINGS]:
        found.append(("group_by", f"Cascades are kept apart by service and environment: take {', '.join(others)} out."))
    return found


def _of_shares(rule: AlertRule) -> list[tuple[str, str]]:
    measure = rule.parameters.get("measure")
    found = []
    if measure == "share" and not rule.tag:
        found.append(("tag", "A share needs the tag that is looked for among the events, such as hit:false."))
    if measure in ("share", "failure_ratio") and rule.parameters["limit"] > 1:
        found.append(("parameters.limit", "A share is at most 1: write it as 0.05 or 5 %."))
    return found
