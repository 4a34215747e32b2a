-- Users who started a trial in the window, and those of them whose trial ended in it, and who converted in it.
-- Columns: started, ended, converted.
-- Index: the primary keys of events_users_* (time, series).
-- series: name IN ('trial_started', 'trial_start', 'trial_conversion')
-- few series
, sets AS (
    SELECT chunk,
        bit_or(users) FILTER (WHERE name <> 'trial_conversion') AS started,
        bit_or(users) FILTER (WHERE name = 'trial_conversion') AS ended,
        bit_or(users) FILTER (WHERE name = 'trial_conversion' AND labels ->> 'converted' = 'true') AS converted
    FROM users GROUP BY 1
)
SELECT coalesce(sum(bit_count(started)), 0)::bigint AS started, coalesce(sum(bit_count(started & ended)), 0)::bigint AS ended,
    coalesce(sum(bit_count(started & converted)), 0)::bigint AS converted
FROM sets
