-- Lookups and hits in each step of the window; steps without any are left out.
-- Parameters: none.
-- Columns: place (of the step, from 0), lookups, hits.
-- Index: the primary keys of events_count_* (time, series).
-- series: name = 'cache_performance'
SELECT place, sum(event_count)::bigint AS lookups,
    coalesce(sum(event_count) FILTER (WHERE labels ->> 'hit' = 'true'), 0)::bigint AS hits
FROM counts_by_step GROUP BY 1
