-- What runs now or holds a transaction open, the longest first.
-- Columns: pid, backend_start, role, application, database, state, runs_seconds (of the statement), transaction_seconds, waits_for,
--   blocked_by (pids), query.
SELECT pid, backend_start, coalesce(usename, ''), left(coalesce(application_name, ''), 60), coalesce(datname, ''),
    coalesce(state, ''),
    CASE WHEN state = 'active' THEN extract(epoch FROM now() - query_start)::float8 END,
    extract(epoch FROM now() - xact_start)::float8,
    coalesce(wait_event_type || ': ' || wait_event, ''), pg_blocking_pids(pid), left(query, 2000)
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND (state = 'active' OR xact_start IS NOT NULL)
ORDER BY coalesce(xact_start, query_start), pid
LIMIT 50
