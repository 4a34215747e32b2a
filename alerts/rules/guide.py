"""The rules that a fresh Liftmon starts with: what the tracking guide wants to be told of.

A plain table, made once by key; staff edit or switch off the rows in the admin afterwards, and a restart leaves them so.
"""

from typing import Any

_RUNBOOK = (
    "1. Check how bad it is (5 minutes): which endpoints, how many users, since when.\n"
    "2. Mitigate (15 minutes): roll back the last release, switch the feature off, or use its fallback.\n"
    "3. Find the cause (1 hour).\n"
    "4. Tell users (30 minutes) when they notice it.\n"
    "5. Write down what happened."
)

# Each: key, name, condition, parameters, severity, and the other fields of AlertRule that differ from their defaults.
GUIDE_RULES: tuple[tuple[str, str, str, dict[str, Any], str, dict[str, Any]], ...] = (
    (
        "critical_event", "Critical event", "event", {}, "critical",
        {
            "severities": ["critical"], "group_by": ["service", "environment", "name"], "recover_seconds": 900,
            "repeat_seconds": 3600, "runbook": _RUNBOOK,
        },
    ),
    (
        "lockout", "Account locked after five failed sign-ins", "event", {}, "critical",
        {
            "names": ["security_incident_lockout"], "severities": ["error", "warning"], "tag": "failedAttempts>=5",
            "group_by": ["service", "environment"], "recover_seconds": 900, "repeat_seconds": 3600,
            "runbook": "Is it one attacker, one forgetful user or many accounts at once? Look at Auth & abuse.",
        },
    ),
    (
        "cascade", "Cascade: three endpoints fail within five minutes", "cascade", {"endpoints": 3, "window_seconds": 300},
        "critical",
        {"group_by": ["environment"], "repeat_seconds": 3600, "recover_seconds": 60, "runbook": _RUNBOOK},
    ),
    (
        "burn_rate", "Error budget burns fast", "burn_rate", {"objective": 0.995, "least_volume": 200, "pace": "fast"}, "critical",
        {"group_by": ["service", "environment"], "recover_seconds": 600, "runbook": _RUNBOOK},
    ),
    (
        "slow_burn", "Error budget burns slowly", "burn_rate", {"objective": 0.995, "least_volume": 200, "pace": "slow"}, "warning",
        {
            "group_by": ["service", "environment"], "recover_seconds": 3600, "repeat_seconds": 7 * 24 * 3600,
            "runbook": "Nobody needs to get up: find what fails a little all the time. Look at Failing endpoints, 7 days.",
        },
    ),
    (
        "silence_of_service", "Nothing was heard of a service", "absence", {"window_seconds": 1800}, "error",
        {
            "group_by": ["service"], "recover_seconds": 0,
            "runbook": "Is the service down, or does it no longer reach Liftmon? Look at its page: last event, keys, refusals.",
        },
    ),
    (
        "new_issue", "New issue", "new_issue", {}, "error",
        {"severities": ["critical", "error"], "repeat_seconds": 0, "recover_seconds": 3600, "group_wait_seconds": 30},
    ),
    (
        "regression", "An issue came back", "regression", {}, "error",
        {"repeat_seconds": 0, "recover_seconds": 3600, "group_wait_seconds": 30},
    ),
    (
        "escalating", "An issue comes more often than ever", "escalating", {"times": 3, "least": 50}, "error",
        {"recover_seconds": 3600, "repeat_seconds": 0, "group_wait_seconds": 30},
    ),
    (
        "warning_event", "Warning", "event", {}, "warning",
        {
            "severities": ["warning"], "group_by": ["service", "environment", "name"], "recover_seconds": 3600,
            "group_wait_seconds": 60, "repeat_seconds": 0,
        },
    ),
    (
        "slow_endpoint", "Slow endpoint", "latency",
        {"limit_ms": 1000, "percentile": 95, "window_seconds": 600, "least_volume": 30}, "warning",
        {"group_by": ["service", "endpoint"], "for_seconds": 300, "recover_seconds": 900, "repeat_seconds": 24 * 3600},
    ),
    (
        "ai_failures", "An AI provider fails", "threshold", {"limit": 5, "window_seconds": 600}, "warning",
        {
            "names": ["ai_failure"], "group_by": ["ai_provider"], "recover_seconds": 900,
            "runbook": "Which provider, which feature, did the fallback answer? Look at AI generation.",
        },
    ),
    (
        "formspree", "Formspree fails", "threshold", {"limit": 3, "window_seconds": 3600}, "warning",
        {
            "names": ["formspree_failure"], "recover_seconds": 3600,
            "runbook": "Is a fallback due? Look at Delivery and consistency.",
        },
    ),
    (
        "cache_misses", "The cache misses more than it hits", "threshold",
        {"measure": "share", "limit": 0.5, "window_seconds": 3600, "least_volume": 200}, "warning",
        {
            "names": ["cache_performance"], "tag": "hit:false", "for_seconds": 900, "recover_seconds": 3600, "repeat_seconds": 0,
            "runbook": "Which key prefixes miss most? Look at Cache: times to live that do not pay.",
        },
    ),
)  # fmt: skip

# Their alerts open an incident. Not in the table above: migration 0002 makes the rules when there is no such field yet.
OPENS_INCIDENT = ("critical_event", "lockout", "cascade", "burn_rate")

# The guide's routing: CRITICAL by e-mail, WARNING to Slack. Channels are added by the operator.
GUIDE_ROUTES: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (10, "Critical: e-mail", ("critical",)),
    (20, "Errors and warnings: Slack", ("error", "warning")),
)


def load_rules(rule_model: Any, route_model: Any) -> int:
    """Add the rules that are missing, and the routes on a Liftmon without any. Takes the model classes, for migrations."""
    known = set(rule_model.objects.exclude(key="").values_list("key", flat=True))
    missing = [
        rule_model(key=key, name=name, condition=condition, parameters=parameters, severity=severity, **more)
        for key, name, condition, parameters, severity, more in GUIDE_RULES
        if key not in known
    ]
    if any(field.name == "opens_incident" for field in rule_model._meta.get_fields()):  # noqa: SLF001 - Django's documented API
        for rule in missing:
            rule.opens_incident = rule.key in OPENS_INCIDENT
    rule_model.objects.bulk_create(missing)
    if not route_model.objects.exists():
        route_model.objects.bulk_create(
            [
                route_model(position=position, name=name, severities=list(severities))
                for position, name, severities in GUIDE_ROUTES
            ]
        )
    return len(missing)
