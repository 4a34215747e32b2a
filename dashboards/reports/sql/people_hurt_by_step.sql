-- How many users met a failure in each step of the window; steps without any are left out.
-- Parameters: severity.
-- Columns: place (of the step, from 0), users_hurt.
-- Index: the primary keys of events_people_* (time first). Right for steps of full hours.
SELECT place, sum(bit_count(users))::bigint AS users_hurt FROM (
    SELECT place, chunk, bit_or(users) AS users FROM people_by_step
    WHERE severity IN ('critical', 'error', 'warning') AND severity = %(severity)s GROUP BY 1, 2
) AS chunks GROUP BY 1
