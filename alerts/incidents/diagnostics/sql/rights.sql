-- What the role may do that connects.
-- Columns: role, is_superuser, reads_statistics, ends_connections, writes (how many tables it may write to), version.
SELECT current_user::text, rolsuper,
    pg_has_role(current_user, 'pg_read_all_stats', 'usage'), pg_has_role(current_user, 'pg_signal_backend', 'usage'),
    (
        SELECT count(*)::int FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg\_%'
            AND has_table_privilege(current_user, pg_class.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    ),
    current_setting('server_version')
FROM pg_roles WHERE rolname = current_user
