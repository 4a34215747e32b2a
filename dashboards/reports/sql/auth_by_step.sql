-- Events of some kinds in each step; steps without any are left out.
-- Parameters: names, kinds (text[] of equal length): the names of events, and what kind each is of.
-- Columns: kind, place (of the step, from 0), event_count.
-- Index: the primary keys of events_namecounts_* (time first).
SELECT kind, place, sum(event_count)::bigint AS event_count
FROM name_counts_by_step JOIN unnest(%(names)s::text[], %(kinds)s::text[]) AS wanted (name, kind) USING (name)
GROUP BY 1, 2 ORDER BY 1, 2
