"""Rules that fire and change nothing: nobody acknowledged, silenced, noted or resolved any of their alerts."""

from dataclasses import dataclass

from django.db.models import Q

from alerts.models import AlertRule
from alerts.rules.noise import noise_between
from dashboards.reports.question import Question


@dataclass(frozen=True, slots=True)
class IgnoredRule:
    """``fired`` and ``fired_before`` are alerts that fired in the window and in the one before."""

    rule_id: int
    name: str
    fired: int
    fired_before: int


@dataclass(frozen=True, slots=True)
class RuleNoise:
    """Of the enabled rules that fired in the window: how many, and their alerts. ``ignored``: nobody acted; most alerts first."""

    rules: int
    fired: int
    acknowledged: int
    ignored: list[IgnoredRule]


def rule_noise(question: Question) -> RuleNoise:
    """Of rules of the services asked for and of all services. Three queries. Index: alert_by_rule."""
    rules = AlertRule.objects.filter(is_enabled=True)
    if question.filters.services:
        rules = rules.filter(Q(service__in=question.filters.services) | Q(service=None))
    names = dict(rules.values_list("pk", "name"))
    window = question.window
    now = noise_between(names, start=window.start, end=window.end)
    before = noise_between(names, start=window.before.start, end=window.before.end)
    ignored = [
        IgnoredRule(pk, names[pk], one.fired, before[pk].fired if pk in before else 0)
        for pk, one in now.items()
        if one.ignored == one.fired
    ]
    return RuleNoise(
        len(now), sum(one.fired for one in now.values()), sum(one.acknowledged for one in now.values()),
        sorted(ignored, key=lambda one: (-one.fired, one.rule_id)),
    )  # fmt: skip
