-- How many users met a failure in each step of the window; steps without any are left out.
-- Parameters: endpoint, name, severity, feature (as in user_impact.sql); starts (of the steps, timestamptz[]).
-- Columns: place (of the step, from 0), users_hurt.
-- Index: the primary key of events_userfailure_minutes (minute, user, series): failures are so few that their sets would be longer.
-- series: CASE WHEN %(endpoint)s = '' THEN severity IN ('critical', 'error', 'warning')
-- series: ELSE endpoint = %(endpoint)s AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END END
-- series: AND (%(name)s = '' OR name = %(name)s) AND (%(severity)s = '' OR severity = %(severity)s)
-- series: AND (%(feature)s = '' OR labels ->> 'feature' = %(feature)s)
SELECT place - 1 AS place, count(*) AS users_hurt FROM (
    SELECT width_bucket(minute, %(starts)s::timestamptz[]) AS place, user_id
    FROM events_userfailure_minutes JOIN series USING (series_id)
    WHERE minute >= %(start)s AND minute < %(end)s GROUP BY 1, 2
) AS hurt GROUP BY 1
