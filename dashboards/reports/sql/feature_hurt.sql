-- How many users met failures that name a feature, by feature.
-- Columns: feature, users_hurt.
-- Index: the primary keys of events_featureusers_* (time first).
SELECT feature, sum(bit_count(users))::bigint AS users_hurt FROM (
    SELECT feature, chunk, bit_or(users) AS users FROM feature_users WHERE severity IN ('critical', 'error', 'warning') GROUP BY 1, 2
) AS chunks GROUP BY 1
