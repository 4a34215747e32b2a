-- Uses of all features in each step of the window; steps without any are left out.
-- Columns: place (of the step, from 0), usage_count.
-- Index: the primary keys of events_count_* (time, series).
-- few series
-- series: name = 'feature_used'
SELECT place, sum(event_count)::bigint AS usage_count FROM counts_by_step GROUP BY 1
