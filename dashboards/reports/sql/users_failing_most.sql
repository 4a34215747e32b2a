-- The users who met the most failures of any kind.
-- Parameters: most (how many users).
-- Columns: user_id, failures.
-- Indexes: the primary keys of events_failures_days (day first) and, for what is left of the window, events_userfailure_minutes.
SELECT user_id, failures::bigint AS failures FROM user_failures ORDER BY failures DESC, user_id LIMIT %(most)s
