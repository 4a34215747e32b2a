-- Uses and failures of each feature, in the window; uses in the one before.
-- Columns: feature ("" for uses that name none), usage_count, duration_count, duration_ms, usage_count_before, failures.
-- A use is a feature_used; a failure is a critical, error or warning event that names the feature.
-- Index: the primary keys of events_count_* (time, series).
-- few series
-- series: name = 'feature_used' OR severity IN ('critical', 'error', 'warning') AND labels ->> 'feature' IS NOT NULL
, told AS (
    SELECT coalesce(labels ->> 'feature', '') AS feature,
        coalesce(sum(event_count) FILTER (WHERE name = 'feature_used'), 0)::bigint AS usage_count,
        coalesce(sum(duration_count) FILTER (WHERE name = 'feature_used'), 0)::bigint AS duration_count,
        coalesce(sum(duration_ms) FILTER (WHERE name = 'feature_used'), 0) AS duration_ms,
        coalesce(sum(event_count) FILTER (
            WHERE severity IN ('critical', 'error', 'warning') AND labels ->> 'feature' IS NOT NULL), 0)::bigint AS failures
    FROM counts GROUP BY 1
), told_before AS (
    SELECT coalesce(labels ->> 'feature', '') AS feature, sum(event_count)::bigint AS usage_count_before
    FROM counts_before WHERE name = 'feature_used' GROUP BY 1
)
SELECT feature, coalesce(usage_count, 0) AS usage_count, coalesce(duration_count, 0) AS duration_count,
    coalesce(duration_ms, 0) AS duration_ms, coalesce(usage_count_before, 0) AS usage_count_before, coalesce(failures, 0) AS failures
FROM told FULL JOIN told_before USING (feature)
