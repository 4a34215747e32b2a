-- What AI providers were asked and what failed, in the window and in the one before.
-- Parameters: features (text[]): those of ai_features.sql.
-- Columns: name, feature, ai_provider, reason, fallback_used, status ("" for what is not told), event_count, event_count_before.
-- Calls are responses that name a provider. An api_timeout is of AI when it names a provider or one of the features.
-- Index: the primary keys of events_count_* (time, series).
-- series: name = 'ai_failure' OR name = 'api_response_time' AND labels ? 'ai_provider' OR name = 'api_timeout' AND (labels ? 'ai_provider' OR labels ->> 'feature' = ANY(%(features)s))
, told AS (
    SELECT name, labels, event_count, 0 AS event_count_before FROM counts
    UNION ALL SELECT name, labels, 0, event_count FROM counts_before
)
SELECT name,
    coalesce(labels ->> 'feature', '') AS feature,
    coalesce(labels ->> 'ai_provider', '') AS ai_provider,
    coalesce(labels ->> 'reason', '') AS reason,
    coalesce(labels ->> 'fallback_used', '') AS fallback_used,
    coalesce(labels ->> 'status', '') AS status,
    sum(event_count)::bigint AS event_count,
    sum(event_count_before)::bigint AS event_count_before
FROM told GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
