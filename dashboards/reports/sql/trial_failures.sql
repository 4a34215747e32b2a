-- Whether users met failures before their trial ended: those whose trial converted, and those whose trial expired.
-- Parameters: days_before (how many of the steps, the first ones, are days of UTC for failures: from as many days before the first
-- day of the window as matter up to its last day; the steps after them are the parts of those days that lie in the window), reach
-- (how many days before matter).
-- Columns: has_converted, users, users_met (a failure on at least one of those days), failing_days (on how many, all users together).
-- Of each user the last day counts on which a trial of theirs ended so; who converted once has not expired. Failures are critical,
-- error and warning events of the days before that day, under the same filters. Only sets of users are read.
-- Indexes: the primary keys of events_users_* (time, series), looked up by the series of trial_conversion, and of events_hurtusers_*.
-- series: name = 'trial_conversion'
-- few series
, ended AS (
    SELECT place - %(days_before)s::int AS step, coalesce(labels ->> 'converted' = 'true', false) AS has_converted, chunk,
        bit_or(users) AS users
    FROM users_by_step WHERE place >= %(days_before)s::int GROUP BY 1, 2, 3
), converted AS (
    SELECT chunk, bit_or(users) AS users FROM ended WHERE has_converted GROUP BY 1
), later AS (
    SELECT step, has_converted, chunk, users, bit_or(users) OVER (
        PARTITION BY has_converted, chunk ORDER BY step DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS users_later
    FROM ended
), outcomes AS (
    SELECT step, has_converted, chunk, later.users & ~coalesce(users_later, later.users # later.users)
        & ~CASE WHEN has_converted THEN later.users # later.users ELSE coalesce(converted.users, later.users # later.users) END AS users
    FROM later LEFT JOIN converted USING (chunk)
), failing AS (
    SELECT place, chunk, bit_or(users) AS users FROM hurt_users_by_step WHERE place < %(days_before)s::int GROUP BY 1, 2
), met AS (
    SELECT step, has_converted, outcomes.chunk, bit_or(failing.users) AS users, sum(bit_count(outcomes.users & failing.users)) AS days
    FROM outcomes JOIN failing ON failing.chunk = outcomes.chunk AND place BETWEEN step AND step + %(reach)s::int - 1
    GROUP BY 1, 2, 3
)
SELECT has_converted, coalesce(sum(bit_count(outcomes.users)), 0)::bigint AS users,
    coalesce(sum(bit_count(outcomes.users & met.users)), 0)::bigint AS users_met, coalesce(sum(days), 0)::bigint AS failing_days
FROM outcomes LEFT JOIN met USING (step, has_converted, chunk) GROUP BY 1
