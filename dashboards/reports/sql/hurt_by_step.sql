-- How many users met a failure of any kind in each step of the window; steps without any are left out.
-- Columns: place (of the step, from 0), users_hurt.
-- Index: the primary keys of events_hurtusers_* (time first). Right for steps of full hours.
SELECT place, sum(bit_count(users))::bigint AS users_hurt FROM (
    SELECT place, chunk, bit_or(users) AS users FROM hurt_users_by_step GROUP BY 1, 2
) AS chunks GROUP BY 1
