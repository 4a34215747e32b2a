-- How many users and events of each feature there were, and those of failures, in the window and in the one before.
-- Parameters: severity ("" for all failures).
-- Columns: as in user_impact.sql; what is "feature" or "used".
-- Indexes: the primary keys of events_featurecounts_* and events_featureusers_* (time first).
, sets AS (
    SELECT false AS is_before, feature, severity, chunk, users FROM feature_users
    UNION ALL SELECT true, feature, severity, chunk, users FROM feature_users_before
), told_sets AS (
    SELECT is_before, what, feature, sum(bit_count(users))::bigint AS users FROM (
        SELECT is_before, what, feature, chunk, bit_or(users) AS users FROM sets CROSS JOIN LATERAL (VALUES
            ('feature', severity IN ('critical', 'error', 'warning') AND (%(severity)s = '' OR severity = %(severity)s)), ('used', true)
        ) AS belongs (what, does) WHERE does AND feature <> '' GROUP BY 1, 2, 3, 4
    ) AS chunks GROUP BY 1, 2, 3
), told AS (
    SELECT is_before, 'feature' AS what, feature, sum(event_count)::bigint AS events FROM (
        SELECT false AS is_before, feature, severity, event_count FROM feature_counts
        UNION ALL SELECT true, feature, severity, event_count FROM feature_counts_before
    ) AS counted
    WHERE feature <> '' AND severity IN ('critical', 'error', 'warning') AND (%(severity)s = '' OR severity = %(severity)s)
    GROUP BY 1, 3
)
SELECT what, feature AS word,
    coalesce(sum(users) FILTER (WHERE NOT is_before), 0)::bigint AS users,
    coalesce(sum(users) FILTER (WHERE is_before), 0)::bigint AS users_before,
    coalesce(sum(events) FILTER (WHERE NOT is_before), 0)::bigint AS events,
    coalesce(sum(events) FILTER (WHERE is_before), 0)::bigint AS events_before
FROM told FULL JOIN told_sets USING (is_before, what, feature) GROUP BY 1, 2
