-- What some users met who met many failures.
-- Parameters: endpoint, name, severity, feature (as in user_impact.sql); user_ids, failures (bigint[]: as many, and how many each met).
-- Columns: user_hash, failures, critical, errors, warnings, kinds (how many names), most_often (the name), last_failed_at (the minute).
-- Index: events_userfailure_by_user (user, minute).
-- series: CASE WHEN %(endpoint)s = '' THEN severity IN ('critical', 'error', 'warning')
-- series: ELSE endpoint = %(endpoint)s AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END END
-- series: AND (%(name)s = '' OR name = %(name)s) AND (%(severity)s = '' OR severity = %(severity)s)
-- series: AND (%(feature)s = '' OR labels ->> 'feature' = %(feature)s)
, ranked AS MATERIALIZED (
    SELECT * FROM unnest(%(user_ids)s::bigint[], %(failures)s::bigint[]) AS ranked (user_id, failures)
), met AS (
    SELECT ranked.user_id, failures, name, sum(event_count) FILTER (WHERE severity = 'critical') AS critical,
        sum(event_count) FILTER (WHERE severity = 'error') AS errors, sum(event_count) FILTER (WHERE severity = 'warning') AS warnings,
        sum(event_count) AS times, max(minute) AS last_failed_at
    FROM ranked JOIN events_userfailure_minutes AS met USING (user_id) JOIN series USING (series_id)
    WHERE minute >= %(start)s AND minute < %(end)s
    GROUP BY 1, 2, 3
)
SELECT (SELECT user_hash FROM events_usernumber WHERE id = user_id) AS user_hash, failures,
    coalesce(sum(critical), 0)::bigint AS critical, coalesce(sum(errors), 0)::bigint AS errors,
    coalesce(sum(warnings), 0)::bigint AS warnings, count(*) AS kinds, (array_agg(name ORDER BY times DESC, name))[1] AS most_often,
    max(last_failed_at) AS last_failed_at
FROM met GROUP BY user_id, failures ORDER BY failures DESC, user_id
