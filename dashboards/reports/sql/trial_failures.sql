-- Whether users met failures before their trial ended: those whose trial converted, and those whose trial expired.
-- Parameters: days (timestamptz[]: the day of UTC of each step), since and until (of the failures that can matter).
-- Columns: has_converted, users, users_met (at least one failure), failures.
-- Of each user the last day counts on which a trial of theirs ended so; who converted once has not expired. Failures are critical,
-- error and warning events of the 14 days of UTC before that day, under the same filters.
-- Index: the primary key of events_users_* (time, series), looked up by the series of trial_conversion; events_userfailure_minutes by
-- user. Bounded by the days, the chunks and the failures of those users.
-- series: name = 'trial_conversion'
-- few series
, ended AS (
    SELECT place, coalesce(labels ->> 'converted' = 'true', false) AS has_converted, chunk, bit_or(users) AS users
    FROM users_by_step GROUP BY 1, 2, 3
), parts AS (
    -- Most sixteenths of a set are empty: the others alone are looked at bit by bit.
    SELECT place, has_converted, chunk * %(chunk_size)s::int + part * 16 AS first_id, substring(users FROM part * 16 + 1 FOR 16) AS users
    FROM ended CROSS JOIN generate_series(0, %(chunk_size)s::int / 16 - 1) AS part
), ends AS (
    SELECT first_id + number AS user_id, has_converted, max(place) AS place
    FROM (SELECT * FROM parts WHERE users <> B'0000000000000000') AS part CROSS JOIN generate_series(0, 15) AS number
    WHERE get_bit(users, number) = 1 GROUP BY 1, 2
), outcomes AS MATERIALIZED (
    SELECT DISTINCT ON (user_id) user_id, has_converted, (%(days)s::timestamptz[])[place + 1] AS ended_on
    FROM ends ORDER BY user_id, has_converted DESC
), failing AS (
    SELECT id AS series_id FROM events_series
    WHERE severity IN ('critical', 'error', 'warning') AND (%(service_id)s::int IS NULL OR service_id = %(service_id)s)
        AND (%(environment)s = '' OR environment = %(environment)s) AND (%(release)s = '' OR release = %(release)s)
), met AS (
    SELECT user_id, sum(event_count) AS failures
    FROM outcomes JOIN events_userfailure_minutes USING (user_id) JOIN failing USING (series_id)
    WHERE minute >= %(since)s AND minute < %(until)s AND minute >= ended_on - interval '14 days' AND minute < ended_on
    GROUP BY 1
)
SELECT has_converted, count(*) AS users, count(failures) AS users_met, coalesce(sum(failures), 0)::bigint AS failures
FROM outcomes LEFT JOIN met USING (user_id) GROUP BY 1
