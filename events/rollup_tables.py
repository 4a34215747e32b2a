"""The tables of counters: what is folded, by which words and grains, and how long it is kept. They are made in migrations/sql/.

Pure: folding them is `events.rollups`.
"""

from datetime import timedelta
from typing import NamedTuple

# Bits of one chunk of a set of users.
CHUNK = 32_768
FACTS = "events_fact"
FAILURES = ("critical", "error", "warning")
# A fact that is counted for its user: a failure, or a request that was answered with an error of the server.
FAILED = f"(fact.severity IN {FAILURES!r} OR fact.name = 'api_response_time' AND fact.labels ->> 'status' = '5xx')"


class Coarse(NamedTuple):
    """Counters by fewer words than a series has: ``finer`` ones of the series of which ``condition`` is true, merged by ``words``.

    ``selected`` tells how the words are read from a series or a fact, where they are not its columns. They are kept by hour and
    day, and by a grain that is finer: numbers by the minute, sets and histograms by five minutes.
    """

    words: str
    finer: str
    condition: str = "true"
    selected: str = ""

    @property
    def columns(self) -> str:
        return self.selected or self.words

    @property
    def grains(self) -> tuple[str, ...]:
        """The names of their time columns."""
        return ("minute" if self.finer == "count" else "five", "hour", "day")


# A request that failed: told by an event that names its endpoint, or by a response with an error of the server.
FAILED_REQUEST = (
    "endpoint <> '' AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' "
    "ELSE severity IN ('critical', 'error') END"
)
# Some dozens of rows a day instead of thousands (migrations/sql/0007_coarse.sql, 0009_counts.sql).
COARSE = {
    "people": Coarse("service_id, environment, severity", "users"),
    "hurtusers": Coarse("service_id, environment", "users", f"severity IN {FAILURES!r}"),
    # By all services together: a month of hours by each of them is several times as many sets.
    "hurtanywhere": Coarse("environment", "users", f"severity IN {FAILURES!r}"),
    "nameusers": Coarse("service_id, environment, severity, name", "users"),
    "featureusers": Coarse(
        "service_id, environment, severity, feature",
        "users",
        "labels ? 'feature'",
        "service_id, environment, severity, coalesce(labels ->> 'feature', '') AS feature",
    ),
    "endpointusers": Coarse("service_id, environment, endpoint", "users", FAILED_REQUEST),
    "endpointlatency": Coarse(
        "service_id, environment, endpoint", "latency", "endpoint <> '' AND name = 'api_response_time'"
    ),
    "namecounts": Coarse("service_id, environment, severity, name", "count"),
    "featurecounts": Coarse(
        "service_id, environment, severity, feature, is_use",
        "count",
        "(labels ? 'feature' OR name = 'feature_used')",
        "service_id, environment, severity, coalesce(labels ->> 'feature', '') AS feature, name = 'feature_used' AS is_use",
    ),
    "trialcounts": Coarse(
        "service_id, environment, trial_type, has_converted",
        "count",
        "name = 'trial_conversion'",
        "service_id, environment, coalesce(labels ->> 'trial_type', '') AS trial_type, "
        "coalesce(labels ->> 'converted' = 'true', false) AS has_converted",
    ),
}
USERS_TABLES = (
    "events_users_hours",
    "events_users_days",
    *(
        f"events_{kind}_{grain}s"
        for kind, coarse in COARSE.items()
        if coarse.finer == "users"
        for grain in coarse.grains
    ),
)
# Users whose failures of a day are one number: 12 digits each.
FAILURES_CHUNK = 512
FAILURES_TABLES = ("events_failures_days", "events_failuresanywhere_days")
# A histogram (migrations/sql/0004_series.sql) leaves this remainder when it is divided by this: how many events it holds.
HISTOGRAM_SUM = 10**12 - 1


class FoldedTable(NamedTuple):
    """A table that folding keeps: its time column, and how long its rows are kept; None: LIFTMON_RETENTION_ROLLUP_DAYS."""

    name: str
    time: str
    kept: timedelta | None


# Fine grains are for short and recent windows (dashboards.window), coarse ones for the rest.
MINUTES_KEPT, HOURS_KEPT = timedelta(days=8), timedelta(days=100)
# A replay of a fortnight looks back four weeks (alerts.conditions.SpikeCondition).
COUNT_MINUTES_KEPT = timedelta(days=45)
FOLDED_TABLES = (
    FoldedTable("events_count_minutes", "minute", COUNT_MINUTES_KEPT),
    FoldedTable("events_count_hours", "hour", None),
    FoldedTable("events_count_days", "day", None),
    FoldedTable("events_bucket_minutes", "minute", MINUTES_KEPT),
    FoldedTable("events_latency_hours", "hour", HOURS_KEPT),
    FoldedTable("events_latency_days", "day", None),
    FoldedTable("events_user_minutes", "minute", MINUTES_KEPT),
    FoldedTable("events_users_hours", "hour", HOURS_KEPT),
    FoldedTable("events_users_days", "day", None),
    *(
        FoldedTable(f"events_{kind}_{grain}s", grain, {"hour": HOURS_KEPT, "day": None}.get(grain, MINUTES_KEPT))
        for kind, coarse in COARSE.items()
        for grain in coarse.grains
    ),
    # A user seldom meets the same failure twice a day: coarser grains would have as many rows.
    FoldedTable("events_userfailure_minutes", "minute", None),
    FoldedTable("events_failures_days", "day", None),
    FoldedTable("events_failuresanywhere_days", "day", None),
    FoldedTable("events_issue_hours", "hour", None),
)
