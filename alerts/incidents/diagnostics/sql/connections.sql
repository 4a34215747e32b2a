-- Connections of clients, by database, user, application and state, and how many the server allows.
-- Columns: database, role, application, state, connections, oldest_seconds (in that state), allowed, reserved, hidden (1: the role
--   may not see what others do), all_connections (also of the groups that are not among these rows).
-- Parameters: most (rows).
SELECT coalesce(datname, ''), coalesce(usename, ''), left(coalesce(application_name, ''), 60), coalesce(state, 'unknown'),
    count(*)::int, max(extract(epoch FROM now() - state_change))::float8,
    current_setting('max_connections')::int,
    current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true), '0')::int,
    max((query = '<insufficient privilege>')::int),
    (sum(count(*)) OVER ())::int
FROM pg_stat_activity
WHERE (backend_type = 'client backend' OR backend_type IS NULL AND datname IS NOT NULL) AND pid <> pg_backend_pid()
GROUP BY 1, 2, 3, 4
ORDER BY 5 DESC, 1, 2, 3, 4
LIMIT %(most)s
