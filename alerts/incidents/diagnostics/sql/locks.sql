-- Who waits for whom, the roots of it first. One row a waiting backend and one it waits for; 0 is a prepared transaction, which no
-- backend holds.
-- Columns: waiting_pid, waits_seconds, waiting_query, blocking_pid, blocking_start, blocking_role, blocking_application,
--   blocking_state, blocking_seconds (its transaction), blocking_query, blocks_others_itself_waiting (bool), all_waiting (also those
--   that are not among these rows).
-- Parameters: most (rows).
WITH waits AS MATERIALIZED (
    SELECT pid, pg_blocking_pids(pid) AS pids, coalesce(query_start, state_change) AS began_at, left(query, 2000) AS query
    FROM pg_stat_activity WHERE pid <> pg_backend_pid()
), waiting AS MATERIALIZED (SELECT * FROM waits WHERE cardinality(pids) > 0)
SELECT waiting.pid, extract(epoch FROM now() - waiting.began_at)::float8, waiting.query, by.pid, blocking.backend_start,
    coalesce(blocking.usename, ''), left(coalesce(blocking.application_name, ''), 60), coalesce(blocking.state, ''),
    extract(epoch FROM now() - blocking.xact_start)::float8, left(blocking.query, 2000),
    by.pid IN (SELECT pid FROM waiting), (SELECT count(*)::int FROM waiting)
FROM waiting
CROSS JOIN LATERAL (SELECT DISTINCT unnest(pids)) AS by(pid)
LEFT JOIN pg_stat_activity AS blocking ON blocking.pid = by.pid
ORDER BY 11, 2 DESC NULLS LAST, 1, 4
LIMIT %(most)s
