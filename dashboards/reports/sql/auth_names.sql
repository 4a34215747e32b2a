-- Events that tell of sign-in, sessions and abuse, by name, in the window and in the one before.
-- Parameters: pattern: which names tell of it.
-- Columns: name, attempts ("" for what is not told), event_count, event_count_before.
-- Index: the primary keys of events_count_* (time, series).
-- A pattern is matched with the few different names, not with every series of theirs.
-- series: name = ANY(ARRAY(SELECT name FROM (SELECT DISTINCT name FROM events_series OFFSET 0) AS names WHERE name ~* %(pattern)s))
SELECT name, coalesce(labels ->> 'attempts', '') AS attempts, sum(event_count)::bigint AS event_count,
    sum(event_count_before)::bigint AS event_count_before
FROM (
    SELECT name, labels, event_count, 0 AS event_count_before FROM counts
    UNION ALL SELECT name, labels, 0, event_count FROM counts_before
) AS told GROUP BY 1, 2 ORDER BY 1, 2
