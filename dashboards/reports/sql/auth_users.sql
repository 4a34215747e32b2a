-- Users who were not let in or lost their session.
-- Parameters: names (text[]): events that tell of it; endpoints: the pattern of endpoints whose 4xx does so too.
-- Columns: users_hit.
-- Index: the primary keys of events_users_* (time, series).
-- series: name = ANY(%(names)s) OR name = 'api_response_time' AND labels ->> 'status' = '4xx' AND endpoint ~* %(endpoints)s
SELECT coalesce(sum(bit_count(users)), 0)::bigint AS users_hit FROM (
    SELECT chunk, bit_or(users) AS users FROM users GROUP BY 1
) AS chunks
