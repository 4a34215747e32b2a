-- Users whose trial ended in the window, and those of them who converted: all together and by type.
-- Columns: trial_type (NULL for all together, "" for none named), ended, converted.
-- Index: the primary keys of events_users_* (time, series).
-- series: name = 'trial_conversion'
-- few series
, sets AS (
    SELECT trial_type, chunk, bit_or(users) AS ended, bit_or(users) FILTER (WHERE has_converted) AS converted
    FROM (
        SELECT coalesce(labels ->> 'trial_type', '') AS trial_type, labels ->> 'converted' = 'true' AS has_converted, chunk, users
        FROM users
    ) AS named GROUP BY GROUPING SETS ((chunk), (trial_type, chunk))
)
SELECT trial_type, sum(bit_count(ended))::bigint AS ended, coalesce(sum(bit_count(converted)), 0)::bigint AS converted
FROM sets GROUP BY 1
