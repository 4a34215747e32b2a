-- Failures in each step of the window, by severity; steps without any are left out.
-- Parameters: none.
-- Columns: place (of the step, from 0), critical, error, warning.
-- Index: the primary keys of events_count_* (time, series).
-- series: severity IN ('critical', 'error', 'warning')
SELECT place,
    coalesce(sum(event_count) FILTER (WHERE severity = 'critical'), 0)::bigint AS critical,
    coalesce(sum(event_count) FILTER (WHERE severity = 'error'), 0)::bigint AS error,
    coalesce(sum(event_count) FILTER (WHERE severity = 'warning'), 0)::bigint AS warning
FROM counts_by_step GROUP BY 1
