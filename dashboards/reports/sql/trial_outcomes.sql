-- Trials that ended, by type and outcome, in the window and in the one before.
-- Columns: trial_type ("" for none named), has_converted, trials, trials_before.
-- A trial ended with a trial_conversion: converted when it says so, otherwise expired.
-- Index: the primary keys of events_count_* (time, series).
-- series: name = 'trial_conversion'
-- few series
, told AS (
    SELECT coalesce(labels ->> 'trial_type', '') AS trial_type, coalesce(labels ->> 'converted' = 'true', false) AS has_converted,
        sum(event_count)::bigint AS trials
    FROM counts GROUP BY 1, 2
), told_before AS (
    SELECT coalesce(labels ->> 'trial_type', '') AS trial_type, coalesce(labels ->> 'converted' = 'true', false) AS has_converted,
        sum(event_count)::bigint AS trials_before
    FROM counts_before GROUP BY 1, 2
)
SELECT trial_type, has_converted, coalesce(trials, 0) AS trials, coalesce(trials_before, 0) AS trials_before
FROM told FULL JOIN told_before USING (trial_type, has_converted)
