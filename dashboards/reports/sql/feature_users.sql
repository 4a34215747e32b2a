-- The users of each feature: of the window and of the one before, those who had not used it lately, and how many came a day.
-- Parameters: of each step whether it belongs to is_window, is_before (the window before), is_recent (the time before the window
-- in which a user counts as one already) and is_day (a whole day of UTC in the window), bool[].
-- Columns: feature (NULL for any of them, "" for uses that name none), users, users_before, first_users, users_of_days (on any of
-- the whole days), user_days (users of each of those days, added up).
-- Index: the primary keys of events_users_* (time, series), looked up by the series of feature_used. Bounded by their chunks and 90
-- days, or the two windows where they are longer.
-- series: name = 'feature_used'
-- few series
, parts AS (
    SELECT place - 1 AS place, is_window, is_before, is_recent, is_day
    FROM unnest(%(is_window)s::bool[], %(is_before)s::bool[], %(is_recent)s::bool[], %(is_day)s::bool[])
        WITH ORDINALITY AS part (is_window, is_before, is_recent, is_day, place)
), sets AS (
    SELECT coalesce(labels ->> 'feature', '') AS feature, place, chunk, bit_or(users) AS users FROM users_by_step GROUP BY 1, 2, 3
), sets_of_all AS (
    SELECT feature, place, chunk, users FROM sets
    UNION ALL SELECT NULL, place, chunk, bit_or(users) FROM sets GROUP BY 2, 3
), merged AS (
    SELECT feature, chunk,
        bit_or(users) FILTER (WHERE is_window) AS users,
        bit_or(users) FILTER (WHERE is_before) AS users_before,
        bit_or(users) FILTER (WHERE is_recent) AS users_recent,
        bit_or(users) FILTER (WHERE is_day) AS users_of_days,
        sum(bit_count(users)) FILTER (WHERE is_day) AS user_days
    FROM sets_of_all JOIN parts USING (place) GROUP BY 1, 2
)
SELECT feature,
    coalesce(sum(bit_count(users)), 0)::bigint AS users,
    coalesce(sum(bit_count(users_before)), 0)::bigint AS users_before,
    (coalesce(sum(bit_count(users)), 0) - coalesce(sum(bit_count(users & users_recent)), 0))::bigint AS first_users,
    coalesce(sum(bit_count(users_of_days)), 0)::bigint AS users_of_days,
    coalesce(sum(user_days), 0)::bigint AS user_days
FROM merged GROUP BY 1
