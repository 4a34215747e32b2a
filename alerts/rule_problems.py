"""What is wrong with a rule that somebody wrote: the field at fault and how to mend it."""

from alerts.conditions import ConditionError
from alerts.models import AlertRule, ConditionType

# What is no failure is counted and gives no notice of its own (events.models.EventNotice).
_COUNTED_ONLY = ("info", "debug")


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
        detail = f"Events of severity {' and '.join(counted)} are counted and not judged one by one: use a threshold."
        found.append(("severities", detail))
    return found


def _of_shares(rule: AlertRule) -> list[tuple[str, str]]:
    measure = rule.parameters.get("measure")
    found = []
    if measure == "share" and not rule.tag:
        found.append(("tag", "A share needs the tag that is looked for among the events, such as hit:false."))
    if measure in ("share", "failure_ratio") and rule.parameters["limit"] > 1:
        found.append(("parameters.limit", "A share is at most 1: write 5 % as 0.05."))
    return found
