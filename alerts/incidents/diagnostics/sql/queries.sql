-- What runs now or holds a transaction open, the longest first; behind them what the role may not see.
-- Columns: pid, backend_start, role, application, database, state, runs_seconds (of the statement), transaction_seconds, waits_for,
--   blocked_by (pids), query ("<insufficient privilege>": hidden).
-- Parameters: most (rows).
SELECT pid, backend_start, coalesce(usename, ''), left(coalesce(application_name, ''), 60), coalesce(datname, ''),
    coalesce(state, ''),
    CASE WHEN state = 'active' THEN extract(epoch FROM now() - query_start)::float8 END,
    extract(epoch FROM now() - xact_start)::float8,
    coalesce(wait_event_type || ': ' || wait_event, ''), pg_blocking_pids(pid), left(query, 2000)
FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND (
    backend_type = 'client backend' AND (state = 'active' OR xact_start IS NOT NULL)
    OR query = '<insufficient privilege>' AND datname IS NOT NULL
)
ORDER BY coalesce(xact_start, query_start), pid
LIMIT %(most)s
