-- Who came back: users by the first of the weeks in which they used any feature, and how many of them used one in the weeks after.
-- Steps: the time before the first week, and the weeks.
-- Columns: week (of the first use, from 1), later (weeks after it, from 0), users.
-- Index: the primary keys of events_users_* (time, series), looked up by the series of feature_used. Bounded by the weeks and chunks.
-- series: name = 'feature_used'
-- few series
, weeks AS (
    SELECT place AS week, chunk, bit_or(users) AS users FROM users_by_step GROUP BY 1, 2
), told AS (
    SELECT week, chunk, users, bit_or(users) OVER (
        PARTITION BY chunk ORDER BY week ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS users_earlier
    FROM weeks
), cohorts AS (
    SELECT week, chunk, CASE WHEN users_earlier IS NULL THEN users ELSE users & ~users_earlier END AS users
    FROM told WHERE week > 0
)
SELECT cohorts.week, weeks.week - cohorts.week AS later, sum(bit_count(cohorts.users & weeks.users))::bigint AS users
FROM cohorts JOIN weeks ON weeks.chunk = cohorts.chunk AND weeks.week >= cohorts.week
GROUP BY 1, 2 ORDER BY 1, 2
