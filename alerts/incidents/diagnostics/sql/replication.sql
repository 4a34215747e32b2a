-- What holds back vacuum or the write-ahead log, and what falls behind.
-- Columns: kind (transaction, prepared, slot, replica, standby, database), name, state, seconds (open, or behind), bytes (of the log
--   that are kept for it, or that it is behind), transactions (since its oldest one).
-- Parameters: most (rows).
WITH written AS (
    SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS lsn
)
SELECT 'transaction', 'pid ' || pid || ', ' || coalesce(nullif(left(application_name, 60), ''), usename, ''), coalesce(state, ''),
    extract(epoch FROM now() - xact_start)::float8, NULL::bigint, greatest(age(backend_xid), age(backend_xmin))
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start < now() - interval '1 minute'
UNION ALL
SELECT 'prepared', gid, owner || ' on ' || database, extract(epoch FROM now() - prepared)::float8, NULL, age(transaction)
FROM pg_prepared_xacts
UNION ALL
SELECT 'slot', slot_name::text, CASE WHEN active THEN 'active' ELSE 'inactive' END || coalesce(', ' || wal_status, ''), NULL,
    pg_wal_lsn_diff(written.lsn, restart_lsn)::bigint, greatest(age(xmin), age(catalog_xmin))
FROM pg_replication_slots, written
UNION ALL
SELECT 'replica', coalesce(nullif(application_name, ''), client_addr::text, ''), coalesce(state, ''),
    extract(epoch FROM replay_lag)::float8, pg_wal_lsn_diff(written.lsn, replay_lsn)::bigint, age(backend_xmin)
FROM pg_stat_replication, written
UNION ALL
SELECT 'standby', 'this server', 'in recovery', extract(epoch FROM now() - pg_last_xact_replay_timestamp())::float8, NULL, NULL
WHERE pg_is_in_recovery()
UNION ALL
SELECT 'database', datname, '', NULL, NULL, age(datfrozenxid) FROM pg_database WHERE datallowconn
ORDER BY 4 DESC NULLS LAST, 5 DESC NULLS LAST, 6 DESC NULLS LAST, 1, 2
LIMIT %(most)s
