-- AI failures and timeouts of each provider in each step of the window; steps without any are left out.
-- Parameters: features, as in ai_counts.sql.
-- Columns: place (of the step, from 0), name, ai_provider, reason ("" for what is not told), event_count.
-- Index: the primary keys of events_count_* (time, series).
-- series: name = 'ai_failure' OR name = 'api_timeout' AND (labels ? 'ai_provider' OR labels ->> 'feature' = ANY(%(features)s))
SELECT place, name, coalesce(labels ->> 'ai_provider', '') AS ai_provider, coalesce(labels ->> 'reason', '') AS reason,
    sum(event_count)::bigint AS event_count
FROM counts_by_step GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
