-- The users who met the most failures, and what they met.
-- Parameters: endpoint, name, severity, feature (as in user_impact.sql); most (how many users).
-- Columns: user_hash, failures (of an endpoint counted as in user_impact.sql), critical, errors, warnings, kinds (how many names),
-- most_often (the name), last_failed_at (the minute).
-- Indexes: the primary key of events_userfailure_minutes (minute, user, series), then events_userfailure_by_user (user, minute).
-- series: CASE WHEN %(endpoint)s = '' THEN severity IN ('critical', 'error', 'warning')
-- series: ELSE endpoint = %(endpoint)s AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END END
-- series: AND (%(name)s = '' OR name = %(name)s) AND (%(severity)s = '' OR severity = %(severity)s)
-- series: AND (%(feature)s = '' OR labels ->> 'feature' = %(feature)s)
, ranked AS MATERIALIZED (
    SELECT user_id, CASE WHEN %(endpoint)s = '' THEN sum(event_count) ELSE greatest(
        sum(event_count) FILTER (WHERE name <> 'api_response_time'), sum(event_count) FILTER (WHERE name = 'api_response_time')
    ) END AS failures
    FROM events_userfailure_minutes JOIN series USING (series_id)
    WHERE minute >= %(start)s AND minute < %(end)s
    GROUP BY user_id ORDER BY failures DESC, user_id LIMIT %(most)s
), met AS (
    SELECT ranked.user_id, failures, name, sum(event_count) FILTER (WHERE severity = 'critical') AS critical,
        sum(event_count) FILTER (WHERE severity = 'error') AS errors, sum(event_count) FILTER (WHERE severity = 'warning') AS warnings,
        sum(event_count) AS times, max(minute) AS last_failed_at
    FROM ranked JOIN events_userfailure_minutes AS met USING (user_id) JOIN series USING (series_id)
    WHERE minute >= %(start)s AND minute < %(end)s
    GROUP BY 1, 2, 3
)
SELECT user_hash, failures::bigint AS failures, coalesce(sum(critical), 0)::bigint AS critical, coalesce(sum(errors), 0)::bigint AS errors,
    coalesce(sum(warnings), 0)::bigint AS warnings, count(*) AS kinds, (array_agg(name ORDER BY times DESC, name))[1] AS most_often,
    max(last_failed_at) AS last_failed_at
FROM met JOIN events_usernumber ON events_usernumber.id = user_id
GROUP BY user_id, user_hash, failures ORDER BY failures DESC, user_id
