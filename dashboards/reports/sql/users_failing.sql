-- The users who met the most failures of some kind, or of one release.
-- Parameters: endpoint, name, severity, feature (as in user_impact.sql); most (how many users).
-- Columns: user_id, failures (of an endpoint counted as in user_impact.sql).
-- Index: the primary key of events_userfailure_minutes (minute, user, series).
-- series: CASE WHEN %(endpoint)s = '' THEN severity IN ('critical', 'error', 'warning')
-- series: ELSE endpoint = %(endpoint)s AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END END
-- series: AND (%(name)s = '' OR name = %(name)s) AND (%(severity)s = '' OR severity = %(severity)s)
-- series: AND (%(feature)s = '' OR labels ->> 'feature' = %(feature)s)
SELECT user_id, failures::bigint AS failures FROM (
    SELECT user_id, CASE WHEN %(endpoint)s = '' THEN sum(event_count) ELSE greatest(
        sum(event_count) FILTER (WHERE name <> 'api_response_time'), sum(event_count) FILTER (WHERE name = 'api_response_time')
    ) END AS failures
    FROM events_userfailure_minutes JOIN series USING (series_id)
    WHERE minute >= %(start)s AND minute < %(end)s GROUP BY user_id
) AS told ORDER BY failures DESC, user_id LIMIT %(most)s
