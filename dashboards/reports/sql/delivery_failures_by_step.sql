-- Failed deliveries in each step, by channel; steps without any are left out.
-- Parameters: none.
-- Columns: channel (as in deliveries.sql), place (of the step, from 0), failures.
-- Index: the primary keys of events_namecounts_* (time first).
SELECT substring(name FROM '(formspree|mail|notification|sms|webhook)') AS channel, place, sum(event_count)::bigint AS failures

FROM name_counts_by_step
WHERE severity IN ('critical', 'error', 'warning') AND name ~ '(formspree|mail|notification|sms|webhook)'
GROUP BY 1, 2
