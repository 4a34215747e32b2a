"""The questions that a fresh Liftmon starts with: the tracking guide's four, word for word, and some that answer its reviews.

A plain table, frozen by the migration that loads it; staff edit the rows afterwards.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Entry(NamedTuple):
    name: str
    description: str
    statement: str
    # ((name, type, default), …)
    parameters: tuple[tuple[str, str, str], ...] = ()
    chart_kind: str = ""
    chart_x: str = ""
    chart_y: tuple[str, ...] = ()


GUIDE: tuple[Entry, ...] = (
    Entry(
        "Find all errors (last 24 hours)",
        "Which errors occurred, how often, how many users they hurt and how long they took.",
        """SELECT
  event,
  severity,
  COUNT(*) as count,
  COUNT(DISTINCT user_id) as affected_users,
  AVG(CASE WHEN data->>'duration_ms' IS NOT NULL
      THEN (data->>'duration_ms')::int ELSE NULL END) as avg_duration_ms
FROM analytics_logs
WHERE timestamp > NOW() - INTERVAL 24 HOURS
  AND event LIKE '%error%'
GROUP BY event, severity
ORDER BY count DESC;""",
        chart_kind="bar",
        chart_x="event",
        chart_y=("count", "affected_users"),
    ),
    Entry(
        "Feature adoption",
        "How often each feature is used, by how many users and for how long.",
        """SELECT
  data->>'feature' as feature,
  COUNT(*) as usage_count,
  COUNT(DISTINCT user_id) as unique_users,
  AVG((data->>'duration_seconds')::int) as avg_duration_seconds
FROM analytics_logs
WHERE event = 'feature_used'
  AND timestamp > NOW() - INTERVAL 7 DAYS
GROUP BY feature
ORDER BY usage_count DESC;""",
        chart_kind="bar",
        chart_x="feature",
        chart_y=("usage_count", "unique_users"),
    ),
    Entry(
        "Trial conversion rates",
        "Of each type of trial, how many converted and how many expired.",
        """SELECT
  data->>'trial_type' as trial_type,
  CASE WHEN data->>'converted' = 'true' THEN 'converted' ELSE 'expired' END as outcome,
  COUNT(*) as count,
  ROUND(100.0 * COUNT(*) / SUM(COUNT(*)) OVER (PARTITION BY data->>'trial_type'), 2) as percent
FROM analytics_logs
WHERE event = 'trial_conversion'
  AND timestamp > NOW() - INTERVAL 30 DAYS
GROUP BY trial_type, outcome;""",
    ),
    Entry(
        "Slowest endpoints",
        "How long endpoints with more than 10 requests took: half of the requests, 95 % and 99 % were at least as quick.",
        """SELECT
  data->>'endpoint' as endpoint,
  COUNT(*) as request_count,
  PERCENTILE_CONT(0.50) WITHIN GROUP (ORDER BY (data->>'response_time_ms')::int) as p50_ms,
  PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY (data->>'response_time_ms')::int) as p95_ms,
  PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY (data->>'response_time_ms')::int) as p99_ms
FROM analytics_logs
WHERE event = 'api_response_time'
  AND timestamp > NOW() - INTERVAL 7 DAYS
GROUP BY endpoint
HAVING COUNT(*) > 10
ORDER BY p99_ms DESC;""",
        chart_kind="bar",
        chart_x="endpoint",
        chart_y=("p50_ms", "p95_ms", "p99_ms"),
    ),
)

REVIEWS: tuple[Entry, ...] = (
    Entry(
        "AI failures by provider",
        "Which provider fails most, how often it timed out and how often a fallback answered.",
        """SELECT
  labels->>'ai_provider' AS ai_provider,
  SUM(event_count) AS failures,
  SUM(event_count) FILTER (WHERE labels->>'reason' = 'timeout') AS timeouts,
  SUM(event_count) FILTER (WHERE labels->>'fallback_used' = 'true') AS answered_by_fallback
FROM counts_by_hour
WHERE event = 'ai_failure'
  AND hour > NOW() - INTERVAL :days DAYS
GROUP BY ai_provider
ORDER BY failures DESC;""",
        (("days", "integer", "7"),),
        "bar",
        "ai_provider",
        ("failures", "timeouts"),
    ),
    Entry(
        "AI timeouts by feature and day",
        "How many timeouts each feature had.",
        """SELECT
  date_trunc('day', hour) AS day,
  labels->>'feature' AS feature,
  SUM(event_count) AS timeouts
FROM counts_by_hour
WHERE event = 'ai_failure'
  AND labels->>'reason' = 'timeout'
  AND hour > NOW() - INTERVAL :days DAYS
GROUP BY day, feature
ORDER BY day DESC, timeouts DESC;""",
        (("days", "integer", "7"),),
    ),
    Entry(
        "Rate-limited addresses",
        "Which addresses are limited, how hard and for how long: many at once are a spike, one that goes on is an attack.",
        """SELECT
  data->>'ip' AS ip,
  COUNT(*) AS refused,
  COUNT(DISTINCT user_id) AS users,
  MIN(timestamp) AS first_at,
  MAX(timestamp) AS last_at
FROM analytics_logs
WHERE event = 'beta_register_rate_limited'
  AND timestamp > NOW() - INTERVAL :hours HOURS
GROUP BY ip
ORDER BY refused DESC
LIMIT 50;""",
        (("hours", "integer", "24"),),
        "bar",
        "ip",
        ("refused",),
    ),
    Entry(
        "Failures of one event by day",
        "How often it happens: Formspree, sessions that do not stabilise, records that disagree.",
        """SELECT
  date_trunc('day', hour)::date AS day,
  SUM(event_count) AS failures
FROM counts_by_hour
WHERE event = :event
  AND hour > NOW() - INTERVAL :days DAYS
GROUP BY day
ORDER BY day;""",
        (("event", "text", "formspree_failure"), ("days", "integer", "30")),
        "bar",
        "day",
        ("failures",),
    ),
    Entry(
        "Features without users",
        "Features that were used before and that nobody used lately.",
        """SELECT
  labels->>'feature' AS feature,
  (MAX(day) AT TIME ZONE 'UTC')::date AS last_used,
  SUM(event_count) AS used_before
FROM counts_by_day
WHERE event = 'feature_used'
  AND labels ? 'feature'
GROUP BY feature
HAVING MAX(day) < NOW() - INTERVAL :days DAYS
ORDER BY last_used;""",
        (("days", "integer", "7"),),
    ),
    Entry(
        "Cache hits by key",
        "Which prefixes of keys miss most.",
        """SELECT
  labels->>'key' AS key_prefix,
  SUM(event_count) AS asked,
  ROUND(100.0 * SUM(event_count) FILTER (WHERE labels->>'hit' = 'true') / SUM(event_count), 1) AS hit_percent
FROM counts_by_hour
WHERE event = 'cache_performance'
  AND hour > NOW() - INTERVAL :days DAYS
GROUP BY key_prefix
ORDER BY hit_percent;""",
        (("days", "integer", "7"),),
        "bar",
        "key_prefix",
        ("hit_percent",),
    ),
    Entry(
        "Users hurt most",
        "Who met the most failures, and of how many kinds.",
        """SELECT
  user_id,
  SUM(failure_count) AS failures,
  COUNT(DISTINCT event) AS kinds,
  (MAX(day) AT TIME ZONE 'UTC')::date AS last_day
FROM user_failures_by_day
WHERE day > NOW() - INTERVAL :days DAYS
  AND severity IN ('critical', 'error')
GROUP BY user_id
ORDER BY failures DESC
LIMIT 50;""",
        (("days", "integer", "7"),),
    ),
)


def entry_named(name: str) -> Entry | None:
    """The question that Liftmon brings under this name."""
    return next((entry for entry in (*GUIDE, *REVIEWS) if entry.name.lower() == name.lower()), None)


def values_of(entry: Entry) -> dict[str, Any]:
    """The fields of a saved question."""
    parameters = [{"name": name, "type": kind, "default": text} for name, kind, text in entry.parameters]
    return {
        **entry._asdict(),
        "parameters": parameters,
        "chart_y": list(entry.chart_y),
        "is_from_guide": entry in GUIDE,
    }


def missing_among(names: Iterable[str]) -> list[Entry]:
    """Those whose names are free."""
    known = {name.lower() for name in names}
    return [entry for entry in (*GUIDE, *REVIEWS) if entry.name.lower() not in known]


def load_questions(saved_query_model: Any) -> int:
    """Add the entries whose names are free and return how many; what staff saved is left alone.

    Takes the model class, so that a migration can pass its historical one.
    """
    missing = missing_among(saved_query_model.objects.values_list("name", flat=True))
    made = [saved_query_model(**values_of(entry)) for entry in missing]
    saved_query_model.objects.bulk_create(made, ignore_conflicts=True)
    return len(missing)
