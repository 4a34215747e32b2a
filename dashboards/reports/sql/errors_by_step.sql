-- How often what failed did so in each step; steps without any are left out.
-- Parameters: contains (as in top_errors.sql).
-- Columns: name, severity, place (of the step, from 0), event_count.
-- Index: the primary keys of events_namecounts_* (time first).
SELECT name, severity, place, sum(event_count)::bigint AS event_count FROM name_counts_by_step
WHERE CASE WHEN %(contains)s = '' THEN severity IN ('critical', 'error', 'warning') OR name LIKE '%%error%%' ELSE strpos(name, %(contains)s) > 0 END
GROUP BY 1, 2, 3
