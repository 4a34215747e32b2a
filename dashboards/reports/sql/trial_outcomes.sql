-- Trials that ended, by type and outcome.
-- Columns: trial_type ("" for none named), has_converted, trials.
-- A trial ended with a trial_conversion: converted when it says so, otherwise expired.
-- Index: the primary keys of events_trialcounts_* (time first).
SELECT trial_type, has_converted, sum(event_count)::bigint AS trials FROM trial_counts GROUP BY 1, 2
