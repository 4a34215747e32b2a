"""The event names that the tracking guide lists: the catalogue that a fresh Liftmon starts with.

A plain table, frozen by the migration that loads it; staff edit the rows in the admin afterwards.
"""

from typing import Any, NamedTuple


class CatalogueEntry(NamedTuple):
    name: str
    tier: str
    kind: str
    default_severity: str
    description: str
    question: str


GUIDE: tuple[CatalogueEntry, ...] = (
    CatalogueEntry(
        "db_pool_error", "immediate", "error", "critical",
        "The database connection pool failed.",
        "Is the pool exhausted (over 20 connections) or are queries slow (over 10 s)?",
    ),
    CatalogueEntry(
        "auth_system_failure", "immediate", "error", "critical",
        "The authentication system is down: nobody can sign in.",
        "Who cannot sign in, and since when?",
    ),
    CatalogueEntry(
        "stripe_checkout_error", "immediate", "error", "critical",
        "A payment could not be started at Stripe.",
        "How many users could not pay, and which checkout step fails?",
    ),
    CatalogueEntry(
        "cascade_failure_detected", "immediate", "error", "critical",
        "Three or more endpoints failed within five minutes.",
        "Which endpoint fell first, and what do the others share with it?",
    ),
    CatalogueEntry(
        "security_incident_lockout", "immediate", "error", "critical",
        "Five or more failed sign-ins locked an account: possible unauthorised access.",
        "Is it one attacker, one forgetful user or many accounts at once?",
    ),
    CatalogueEntry(
        "ai_failure", "daily", "error", "warning",
        "An AI provider failed or timed out for a feature; a fallback may have answered.",
        "How many timeouts per feature? Which provider fails most?",
    ),
    CatalogueEntry(
        "session_stabilization_failure", "daily", "log", "warning",
        "A fresh session was not available after sign-up.",
        "Do users see “not authenticated” errors? Session timeout rate?",
    ),
    CatalogueEntry(
        "beta_register_rate_limited", "daily", "log", "warning",
        "A beta registration was refused because its address sent too many.",
        "Which IPs are being limited? Is it legitimate spike or attack?",
    ),
    CatalogueEntry(
        "formspree_failure", "daily", "error", "warning",
        "A message could not be delivered through Formspree.",
        "How often does Formspree fail? Need fallback?",
    ),
    CatalogueEntry(
        "data_consistency_error", "daily", "error", "warning",
        "Two records that must agree do not.",
        "Which records disagree, since which release, and is anybody blocked by it?",
    ),
    CatalogueEntry(
        "api_timeout", "daily", "error", "error",
        "An endpoint gave up waiting.",
        "Which endpoint times out, after how long, and did the fallback serve the user?",
    ),
    CatalogueEntry(
        "api_error", "daily", "error", "error",
        "An endpoint answered with an error.",
        "Which endpoints fail together?",
    ),
    CatalogueEntry(
        "client_error", "daily", "error", "error",
        "A page caught an error in the browser.",
        "Which pages and browsers fail, and for how many users?",
    ),
    CatalogueEntry(
        "error", "daily", "error", "error",
        "An error logged without a name of its own.",
        "What should this event be called? Name it where it is logged.",
    ),
    CatalogueEntry(
        "cache_performance", "weekly", "track", "info",
        "A cache was asked: hit or miss, with the key and its time to live.",
        "Which key prefixes miss most, and which times to live do not pay?",
    ),
    CatalogueEntry(
        "slow_endpoint", "weekly", "log", "warning",
        "An endpoint took longer than a second.",
        "Which endpoints are slow, and since which release?",
    ),
    CatalogueEntry(
        "feature_used", "weekly", "track", "info",
        "A user used a feature.",
        "Which features have 0 users?",
    ),
    CatalogueEntry(
        "trial_conversion", "weekly", "track", "info",
        "A trial ended: converted or expired.",
        "Which trial type converts, and how did it change since last week?",
    ),
    CatalogueEntry(
        "api_response_time", "weekly", "metric", "info",
        "How long an endpoint took to answer.",
        "Which endpoints are the slowest at p99?",
    ),
)  # fmt: skip

# By which fields of their data the guide's questions count these events (events.ingest.labels says how to read them).
LABELS: dict[str, tuple[str, ...]] = {
    "ai_failure": ("reason", "fallback_used"),
    "api_response_time": ("status:class", "fallback_used"),
    "api_timeout": ("fallback_used",),
    "beta_register_rate_limited": ("ip:first",),
    "cache_performance": ("key:prefix", "hit", "ttl"),
    "data_consistency_error": ("record",),
    "formspree_failure": ("reason",),
    "security_incident_lockout": ("ip:first",),
    "session_stabilization_failure": ("reason", "attempts"),
    "stripe_checkout_error": ("step",),
    "trial_conversion": ("trial_type", "converted"),
}


def load_guide(event_type_model: Any) -> int:
    """Add the guide's entries that are missing and return how many; rows that staff edited are left alone.

    Takes the model class, so that a migration can pass its historical one.
    """
    known = set(event_type_model.objects.values_list("name", flat=True))
    missing = [event_type_model(**entry._asdict(), is_from_guide=True) for entry in GUIDE if entry.name not in known]
    event_type_model.objects.bulk_create(missing, ignore_conflicts=True)
    return len(missing)


def load_labels(event_type_model: Any) -> None:
    """Give the guide's entries that have no labels theirs. Takes the model class, as above."""
    for name, fields in LABELS.items():
        event_type_model.objects.filter(name=name, labels=[]).update(labels=list(fields))
