-- How many users met a failure in each step of the window; steps without any are left out.
-- Parameters: endpoint, name, severity, feature (as in user_impact.sql); starts and ends (of the steps, timestamptz[]).
-- Columns: place (of the step, from 0), users_hurt.
-- Index: the primary key of events_userfailure_minutes (minute, user, series): failures are so few that their sets would be longer.
-- series: CASE WHEN %(endpoint)s = '' THEN severity IN ('critical', 'error', 'warning')
-- series: ELSE endpoint = %(endpoint)s AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END END
-- series: AND (%(name)s = '' OR name = %(name)s) AND (%(severity)s = '' OR severity = %(severity)s)
-- series: AND (%(feature)s = '' OR labels ->> 'feature' = %(feature)s)
SELECT place::int - 1 AS place, users_hurt
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY AS step (starts_at, ends_at, place)
CROSS JOIN LATERAL (
    -- A step at a time: there are few users in each.
    SELECT count(*) AS users_hurt FROM (
        SELECT DISTINCT user_id FROM events_userfailure_minutes JOIN series USING (series_id)
        WHERE minute >= starts_at AND minute < ends_at
    ) AS users
) AS hurt WHERE users_hurt > 0
