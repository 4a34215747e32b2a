"""What a rule and a route do, in one plain sentence each. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alerts.conditions import (
    LEAST_WEEKS,
    AbsenceCondition,
    BurnRateCondition,
    CascadeCondition,
    Condition,
    EscalatingCondition,
    LatencyCondition,
    SpikeCondition,
    ThresholdCondition,
)
from alerts.durations import in_full
from alerts.matching import Match

# Labels whose own name says too little inside a sentence.
_LABELS = {"name": "event name"}


@dataclass(frozen=True, slots=True)
class RuleTold:
    """What a rule says, as plain values. ``kind``: the name of its condition; durations in seconds."""

    kind: str
    condition: Condition
    severity: str
    match: Match = field(default_factory=Match)
    group_by: Sequence[str] = ()
    for_seconds: int = 0
    recover_seconds: int = 0
    group_wait_seconds: int = 0
    repeat_seconds: int = 0
    service_name: str = ""


@dataclass(frozen=True, slots=True)
class RouteTold:
    """What a route says. ``channels``: the names of those that are switched on; ``labels``: patterns by name; ``policy``: the
    name of the escalation policy, "" for none."""

    severities: Sequence[str] = ()
    service_name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    channels: Sequence[str] = ()
    goes_on: bool = False
    policy: str = ""


# --- Rules ------------------------------------------------------------------------------------------------------------


def rule_sentence(rule: RuleTold) -> str:
    """When it fires and when it is over."""
    held = f", and that holds for {in_full(rule.for_seconds)}" if rule.for_seconds else ""
    return f"When {_holds(rule)}{held}, an alert of severity {rule.severity} fires{_each(rule)}; it is resolved {_over(rule)}."


def telling_sentence(rule: RuleTold) -> str:
    """How often people are told."""
    first = "at once"
    if rule.group_wait_seconds:
        first = f"{in_full(rule.group_wait_seconds)} later, so that what fires meanwhile is told of together"
    again = "not again while it fires"
    if rule.repeat_seconds:
        every = in_full(rule.repeat_seconds)
        again = (
            f"again every {every.removeprefix('1 ') if every.count(' ') == 1 else every} until somebody acknowledges it"
        )
    return f"People are told {first}, and {again}."


def _holds(rule: RuleTold) -> str:
    match rule.condition:
        case ThresholdCondition() as condition:
            return _threshold(condition, rule)
        case LatencyCondition() as condition:
            return (
                f"the p{condition.percentile} of response times{_where(rule)}{_for_one(rule)} is above "
                f"{_number(condition.limit_ms)} ms within {in_full(condition.window_seconds)}{_of_at_least(condition, 'requests')}"
            )
        case SpikeCondition() as condition:
            return (
                f"{_number(condition.least)} or more {_events(rule)} come within {in_full(condition.window_seconds)}"
                f"{_for_one(rule)}, more than {_number(condition.times)} times as many as usual at this hour of "
                f"{_usually(condition)}"
            )
        case EscalatingCondition() as condition:
            return (
                f"an issue{_of_events(rule)} has {_number(condition.least)} or more events in an hour, more than "
                f"{_number(condition.times)} times as many as in nearly every hour of the week before"
            )
        case AbsenceCondition() as condition:
            return f"no {_events(rule, is_one=True)} comes for {in_full(condition.window_seconds)}{_for_one(rule)}"
        case BurnRateCondition() as condition:
            return _burn_rate(condition, rule)
        case CascadeCondition() as condition:
            return (
                f"{condition.endpoints} or more endpoints{_where(rule)} fail together within "
                f"{in_full(condition.window_seconds)}{_for_one(rule)}"
            )
        case _:
            return _at_once(rule)


def _usually(condition: SpikeCondition) -> str:
    least = condition.least_history
    if condition.takes_weeks:
        weeks = max(LEAST_WEEKS, least)
        return (
            f"this weekday and beyond chance (until {weeks} weeks are known, of at least {least} earlier working days, or weekend "
            "days)"
        )
    return f"earlier working days, or weekend days, and beyond chance (from {least} known ones on)"


def _threshold(condition: ThresholdCondition, rule: RuleTold) -> str:
    span, one = in_full(condition.window_seconds), _for_one(rule)
    if condition.measure == "failure_ratio":
        enough = _of_at_least(condition, "requests")
        return f"{_share(condition.limit)} or more of the requests{_where(rule)} fail within {span}{one}{enough}"
    if condition.measure == "share":
        untagged = Match(
            rule.match.service_id,
            rule.match.environments,
            rule.match.names,
            rule.match.severities,
            rule.match.endpoints,
        )
        events, enough = _events_of(untagged, rule.service_name), _of_at_least(condition, "events")
        return f"{_share(condition.limit)} or more of {events} have {rule.match.tag or 'the tag'} within {span}{one}{enough}"
    enough = _of_at_least(condition, "events")
    if condition.measure == "users":
        are = "user is" if condition.limit == 1 else "users are"
        return f"{_number(condition.limit)} or more {are} hurt by {_events(rule)} within {span}{one}{enough}"
    return f"{_number(condition.limit)} or more {_events(rule)} come within {span}{one}{enough}"


def _burn_rate(condition: BurnRateCondition, rule: RuleTold) -> str:
    rates = [f"{limit:g} × over {in_full(long)}" for long, _, limit in condition.windows]
    return (
        f"requests{_where(rule)} fail so often{_for_one(rule)} that the error budget of {_share(condition.objective)} burns "
        f"too fast ({_either(rates)}){_of_at_least(condition, 'requests')}"
    )


def _at_once(rule: RuleTold) -> str:
    if rule.kind == "event":
        return f"{_with_article(_events(rule, is_one=True))} comes"
    how = _of_events(rule)
    return f"an issue is first seen{how}" if rule.kind == "new_issue" else f"a resolved issue comes back{how}"


def _of_events(rule: RuleTold) -> str:
    """By which event an issue is known to be meant; "" for any issue."""
    return "" if rule.match == Match() else f" with {_with_article(_events(rule, is_one=True))}"


def _each(rule: RuleTold) -> str:
    """Immediate conditions say what is kept apart behind the alert; the others count for it."""
    if rule.kind in ("new_issue", "regression", "escalating"):
        return ", one for each issue"
    if rule.kind == "event" and rule.group_by:
        return f", one for each {_and([_LABELS.get(one, one) for one in rule.group_by])}"
    return ""


def _over(rule: RuleTold) -> str:
    if rule.kind == "event":
        return f"{in_full(rule.recover_seconds)} after the last" if rule.recover_seconds else "within seconds"
    if rule.kind in ("new_issue", "regression"):
        return f"{in_full(rule.recover_seconds)} later" if rule.recover_seconds else "within seconds"
    if not rule.recover_seconds:
        return "as soon as that no longer holds"
    return f"when that has not held for {in_full(rule.recover_seconds)}"


def _for_one(rule: RuleTold) -> str:
    return f" for one {_and([_LABELS.get(one, one) for one in rule.group_by])}" if rule.group_by else ""


def _of_at_least(condition: ThresholdCondition | LatencyCondition | BurnRateCondition, noun: str) -> str:
    return f" with at least {condition.least_volume:,} {noun}" if condition.least_volume > 1 else ""


def _events(rule: RuleTold, *, is_one: bool = False) -> str:
    """An event of immediate rules is a failure: others are not judged one by one."""
    return _events_of(rule.match, rule.service_name, is_one=is_one, are_failures=rule.kind == "event")


def _events_of(match: Match, service_name: str, *, is_one: bool = False, are_failures: bool = False) -> str:
    """“critical events”, “ai_failure events of severity error of lift web in production at /api/* with tag”."""
    noun = "event" if is_one else "events"
    if match.names:
        told = f"{_either(match.names)} {noun}"
        told += f" of severity {_either(match.severities)}" if match.severities else ""
    elif match.severities:
        told = f"{_either(match.severities)} {noun}"
    else:
        told = noun if not are_failures else "failure (a critical, error or warning event)"
    return told + _place(match, service_name)


def _where(rule: RuleTold) -> str:
    """Of requests: what is left of the match when their noun is given."""
    names = f" named {_either(rule.match.names)}" if rule.match.names else ""
    severities = f" of severity {_either(rule.match.severities)}" if rule.match.severities else ""
    return names + severities + _place(rule.match, rule.service_name)


def _place(match: Match, service_name: str) -> str:
    told = ""
    if match.service_id is not None:
        told += f" of {service_name or f'service {match.service_id}'}"
    if match.environments:
        told += f" in {_either(match.environments)}"
    if match.endpoints:
        told += f" at {_either(match.endpoints)}"
    return f"{told} with {match.tag}" if match.tag else told


# --- Routes -----------------------------------------------------------------------------------------------------------


def route_sentence(route: RouteTold) -> str:
    """Which alerts go where, and whether other routes are asked, too."""
    alerts = f"Alerts of severity {_either(route.severities)}" if route.severities else "All alerts"
    if route.service_name:
        alerts += f" of {route.service_name}"
    if route.labels:
        alerts += f" whose {_and([f'{name} is {value}' for name, value in sorted(route.labels.items())])}"
    after = "the routes behind it are tried, too" if route.goes_on else "nothing else is tried"
    policy = f"are escalated by policy {route.policy}" if route.policy else ""
    if policy:
        return f"{alerts} {f'go to {_and(route.channels)} and ' if route.channels else ''}{policy}; {after}."
    if not route.channels:
        return f"{alerts} stop here and nobody is told: no channel that is switched on is on this route; {after}."
    return f"{alerts} go to {_and(route.channels)}; {after}."


# --- Words ------------------------------------------------------------------------------------------------------------


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:,g}"


def _share(value: float) -> str:
    return f"{100 * value:.6g} %"


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def _either(words: Sequence[str]) -> str:
    return _listed(words, "or")


def _and(words: Sequence[str]) -> str:
    return _listed(words, "and")


def _listed(words: Sequence[str], joint: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"
