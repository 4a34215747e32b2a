-- Users of sign-in and sessions, and those of them who were not let in or lost their session.
-- Parameters: names (text[]): events that tell of it; endpoints: the pattern of endpoints whose 4xx does so too.
-- Columns: users_hit, users_heard (of any of these events and of any request at these endpoints).
-- Index: the primary keys of events_users_* (time, series).
-- A pattern is matched with the few different endpoints, not with every series of theirs.
-- series: name = ANY(%(names)s) OR name = 'api_response_time'
-- series: AND endpoint = ANY(ARRAY(SELECT endpoint FROM (SELECT DISTINCT endpoint FROM events_series OFFSET 0) AS endpoints WHERE endpoint ~* %(endpoints)s))
, told AS (
    SELECT chunk, users, name = ANY(%(names)s) OR labels ->> 'status' = '4xx' AS is_hit FROM users
)
SELECT coalesce(sum(bit_count(users_hit)), 0)::bigint AS users_hit, coalesce(sum(bit_count(users)), 0)::bigint AS users_heard FROM (
    SELECT chunk, bit_or(users) FILTER (WHERE is_hit) AS users_hit, bit_or(users) AS users FROM told GROUP BY 1
) AS chunks
