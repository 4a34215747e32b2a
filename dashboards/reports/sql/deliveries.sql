-- Messages that were delivered or not, by channel: a word in the event's name.
-- Parameters: none.
-- Columns: channel, failures, successes, failures_before, successes_before, users_hurt.
-- Indexes: the primary keys of events_count_* and events_users_* (time, series).
-- A pattern is matched with the few different names, not with every series of theirs.
-- series: name = ANY(ARRAY(SELECT name FROM (SELECT DISTINCT name FROM events_series OFFSET 0) AS names WHERE name ~ '(formspree|mail|notification|sms|webhook)'))
-- few series
-- users: severity IN ('critical', 'error', 'warning')
, now AS (
    SELECT substring(name FROM '(formspree|mail|notification|sms|webhook)') AS channel,
        coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error', 'warning')), 0)::bigint AS failures,
        coalesce(sum(event_count) FILTER (WHERE severity = 'info'), 0)::bigint AS successes
    FROM counts GROUP BY 1
), earlier AS (
    SELECT substring(name FROM '(formspree|mail|notification|sms|webhook)') AS channel,
        coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error', 'warning')), 0)::bigint AS failures_before,
        coalesce(sum(event_count) FILTER (WHERE severity = 'info'), 0)::bigint AS successes_before
    FROM counts_before GROUP BY 1
), hurt AS (
    SELECT channel, sum(bit_count(users))::bigint AS users_hurt FROM (
        SELECT substring(name FROM '(formspree|mail|notification|sms|webhook)') AS channel, chunk, bit_or(users) AS users
        FROM users GROUP BY 1, 2
    ) AS chunks GROUP BY 1
)
SELECT channel, coalesce(failures, 0) AS failures, coalesce(successes, 0) AS successes,
    coalesce(failures_before, 0) AS failures_before, coalesce(successes_before, 0) AS successes_before,
    coalesce(users_hurt, 0) AS users_hurt
FROM now FULL JOIN earlier USING (channel) LEFT JOIN hurt USING (channel)
