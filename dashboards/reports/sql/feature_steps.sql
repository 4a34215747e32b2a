-- Uses of all features in each step of the window; steps without any are left out.
-- Columns: place (of the step, from 0), usage_count.
-- Index: the primary keys of events_featurecounts_* (time first).
SELECT place, sum(event_count)::bigint AS usage_count FROM feature_counts_by_step WHERE is_use GROUP BY 1
