-- How many users met failures that name a feature, by feature.
-- Columns: feature, users_hurt.
-- Index: the primary keys of events_users_* (time, series).
-- few series
-- series: severity IN ('critical', 'error', 'warning') AND labels ->> 'feature' IS NOT NULL
SELECT feature, sum(bit_count(users))::bigint AS users_hurt FROM (
    SELECT labels ->> 'feature' AS feature, chunk, bit_or(users) AS users FROM users GROUP BY 1, 2
) AS chunks GROUP BY 1
