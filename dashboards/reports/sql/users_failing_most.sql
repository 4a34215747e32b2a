-- The users who met the most failures of any kind, under the filters of service and environment.
-- Parameters: most (how many users); days_start and days_end (whole days, UTC); starts, ends (timestamptz[]) and signs (int[]) of what
-- is to be added to those days, or taken away from them again.
-- Columns: user_id, failures.
-- Days are read from numbers that hold twelve digits for each of 512 users. Who has fewer failures in them than the last of the first,
-- by more than the rest can make up for, is not looked at; nor is the rest of theirs. (Sums of bigint would be numeric, and slow;
-- whole numbers are exact as float8.)
-- Indexes: events_userfailure_by_user (user, minute), and the primary keys of events_userfailure_minutes (minute first),
-- events_failures_days and events_failuresanywhere_days (day first).
, of_days AS MATERIALIZED (
    SELECT chunk * 512 + 512 - place AS user_id, digits[1] COLLATE "C" AS digits FROM (
        SELECT chunk, lpad(sum(failures)::text, 6144, '0') AS all_digits FROM (
            SELECT day, environment, chunk, failures FROM events_failures_days WHERE %(is_of_services)s AND $service
            UNION ALL SELECT day, environment, chunk, failures FROM events_failuresanywhere_days WHERE NOT %(is_of_services)s
        ) AS found
        WHERE day >= %(days_start)s AND day < %(days_end)s AND $environment
        GROUP BY chunk
    ) AS chunks CROSS JOIN LATERAL regexp_matches(all_digits, '.{12}', 'g') WITH ORDINALITY AS part (digits, place)
), pieces AS MATERIALIZED (
    SELECT * FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(signs)s::int[]) AS piece (starts_at, ends_at, sign)
), most_of_rest AS MATERIALIZED (
    -- More than anybody's rest can be: requests that the server could not answer are among them, and all services.
    SELECT coalesce(max(met), 0) AS met FROM (
        SELECT sum(event_count::float8) AS met FROM pieces CROSS JOIN LATERAL (
            SELECT user_id, event_count FROM events_userfailure_minutes WHERE minute >= starts_at AND minute < ends_at OFFSET 0
        ) AS found GROUP BY user_id
    ) AS of_each
), enough AS MATERIALIZED (
    SELECT greatest(
        coalesce((SELECT digits FROM of_days ORDER BY digits DESC OFFSET %(most)s - 1 LIMIT 1), '0')::bigint
            -- Those before may lose so much, those behind win so much.
            - met::bigint * (SELECT count(DISTINCT sign) FROM pieces), 1
    ) AS failures FROM most_of_rest
), first AS MATERIALIZED (
    SELECT user_id, of_days.digits::bigint AS failures FROM of_days
    WHERE digits >= (SELECT lpad(failures::text, 12, '0') FROM enough)
), met AS (
    SELECT first.user_id, series_id, sign * event_count AS failures
    FROM first CROSS JOIN pieces JOIN events_userfailure_minutes AS found
        ON found.user_id = first.user_id AND minute >= starts_at AND minute < ends_at
    WHERE (SELECT failures FROM enough) > 1
    -- Who has none in those days is among the first when one is enough.
    UNION ALL SELECT user_id, series_id, sign * event_count FROM pieces CROSS JOIN LATERAL (
        SELECT user_id, series_id, event_count FROM events_userfailure_minutes WHERE minute >= starts_at AND minute < ends_at OFFSET 0
    ) AS found WHERE (SELECT failures FROM enough) <= 1
), told AS (
    SELECT user_id, failures FROM first
    UNION ALL SELECT user_id, failures FROM met JOIN events_series ON events_series.id = series_id
    WHERE severity IN ('critical', 'error', 'warning')
        AND $service AND $environment
)
SELECT user_id, sum(failures)::bigint AS failures FROM told GROUP BY user_id HAVING sum(failures) > 0
ORDER BY failures DESC, user_id LIMIT %(most)s
