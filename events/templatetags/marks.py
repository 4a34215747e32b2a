"""The sentences behind the rule ids of scrubbing and repairing."""

from django import template

from events.ingest import repair, scrub

register = template.Library()


@register.filter
def scrub_reason(rule: str) -> str:
    return scrub.RULES.get(rule, rule)


@register.filter
def repair_reason(rule: str) -> str:
    return repair.RULES.get(rule, rule)
