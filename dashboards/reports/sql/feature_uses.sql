-- Uses and failures of each feature, in the window; uses in the one before.
-- Columns: feature ("" for uses that name none), usage_count, duration_count, duration_ms, usage_count_before, failures.
-- A use is a feature_used; a failure is a critical, error or warning event that names the feature.
-- Index: the primary keys of events_featurecounts_* (time first).
, told AS (
    SELECT feature,
        coalesce(sum(event_count) FILTER (WHERE is_use), 0)::bigint AS usage_count,
        coalesce(sum(duration_count) FILTER (WHERE is_use), 0)::bigint AS duration_count,
        coalesce(sum(duration_ms) FILTER (WHERE is_use), 0) AS duration_ms,
        coalesce(sum(event_count) FILTER (
            WHERE severity IN ('critical', 'error', 'warning') AND (feature <> '' OR NOT is_use)), 0)::bigint AS failures
    FROM feature_counts WHERE is_use OR severity IN ('critical', 'error', 'warning') GROUP BY 1
), told_before AS (
    SELECT feature, sum(event_count)::bigint AS usage_count_before FROM feature_counts_before WHERE is_use GROUP BY 1
)
SELECT feature, coalesce(usage_count, 0) AS usage_count, coalesce(duration_count, 0) AS duration_count,
    coalesce(duration_ms, 0) AS duration_ms, coalesce(usage_count_before, 0) AS usage_count_before, coalesce(failures, 0) AS failures
FROM told FULL JOIN told_before USING (feature)
