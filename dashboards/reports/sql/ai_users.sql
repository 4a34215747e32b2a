-- Users who met an AI failure or timeout: of each provider, of each feature, and of all.
-- Parameters: features, as in ai_counts.sql.
-- Columns: ai_provider, feature (null where it is of all of them), users_hurt.
-- Index: the primary keys of events_users_* (time, series).
-- series: name = 'ai_failure' OR name = 'api_timeout' AND (labels ? 'ai_provider' OR labels ->> 'feature' = ANY(%(features)s))
, chunks AS (
    SELECT ai_provider, feature, chunk, bit_or(users) AS users FROM (
        SELECT coalesce(labels ->> 'ai_provider', '') AS ai_provider, coalesce(labels ->> 'feature', '') AS feature, chunk, users
        FROM users
    ) AS found GROUP BY GROUPING SETS ((ai_provider, chunk), (feature, chunk), (chunk))
)
SELECT ai_provider, feature, sum(bit_count(users))::bigint AS users_hurt FROM chunks GROUP BY 1, 2
