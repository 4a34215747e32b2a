-- The largest tables, with their indexes and what is stored apart.
-- Columns: schema, name, total_bytes, table_bytes, index_bytes, rows (estimated), dead_rows, last_vacuum_at, last_analyze_at.
-- Parameters: most (rows).
SELECT schemaname, relname, pg_total_relation_size(relid), pg_table_size(relid), pg_indexes_size(relid),
    n_live_tup, n_dead_tup, greatest(last_vacuum, last_autovacuum), greatest(last_analyze, last_autoanalyze)
FROM pg_stat_user_tables
ORDER BY 3 DESC, 1, 2
LIMIT %(most)s
