-- Failures in each step of the window, by severity; steps without any are left out.
-- Parameters: none.
-- Columns: place (of the step, from 0), critical, error, warning.
-- Index: the primary keys of events_namecounts_* (time first).
SELECT place,
    coalesce(sum(event_count) FILTER (WHERE severity = 'critical'), 0)::bigint AS critical,
    coalesce(sum(event_count) FILTER (WHERE severity = 'error'), 0)::bigint AS error,
    coalesce(sum(event_count) FILTER (WHERE severity = 'warning'), 0)::bigint AS warning
FROM name_counts_by_step WHERE severity IN ('critical', 'error', 'warning') GROUP BY 1
