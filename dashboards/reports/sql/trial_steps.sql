-- Trials that ended in each step of the window; steps without any are left out.
-- Columns: place (of the step, from 0), trials, converted.
-- Index: the primary keys of events_trialcounts_* (time first).
SELECT place, sum(event_count)::bigint AS trials, coalesce(sum(event_count) FILTER (WHERE has_converted), 0)::bigint AS converted
FROM trial_counts_by_step GROUP BY 1
