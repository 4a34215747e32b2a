-- Users of whom anything was heard.
-- Columns: active_users.
-- Index: the primary keys of events_people_* (time first).
SELECT coalesce(sum(bit_count(users)), 0)::bigint AS active_users FROM (
    SELECT chunk, bit_or(users) AS users FROM people GROUP BY 1
) AS chunks
