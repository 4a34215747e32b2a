-- Who waits for whom. One row a waiting backend and one it waits for.
-- Columns: waiting_pid, waits_seconds, waiting_query, blocking_pid, blocking_start, blocking_role, blocking_application,
--   blocking_state, blocking_seconds (its transaction), blocking_query, blocks_others_itself_waiting (bool).
SELECT waiting.pid, extract(epoch FROM now() - coalesce(waiting.query_start, waiting.state_change))::float8,
    left(waiting.query, 2000), blocking.pid, blocking.backend_start, coalesce(blocking.usename, ''),
    left(coalesce(blocking.application_name, ''), 60), coalesce(blocking.state, ''),
    extract(epoch FROM now() - blocking.xact_start)::float8, left(blocking.query, 2000),
    cardinality(pg_blocking_pids(blocking.pid)) > 0
FROM pg_stat_activity AS waiting
CROSS JOIN LATERAL unnest(pg_blocking_pids(waiting.pid)) AS by(pid)
JOIN pg_stat_activity AS blocking ON blocking.pid = by.pid
WHERE waiting.pid <> pg_backend_pid()
ORDER BY 11, 2 DESC NULLS LAST, 1, 4
LIMIT 100
