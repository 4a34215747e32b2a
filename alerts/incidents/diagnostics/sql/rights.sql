-- What the role may do that connects.
-- Columns: role, is_superuser, reads_statistics, ends_connections, writes (how many tables it may write to), more (what else it may
--   do that Liftmon does not need), version.
SELECT current_user::text, rolsuper,
    pg_has_role(current_user, 'pg_read_all_stats', 'usage'), pg_has_role(current_user, 'pg_signal_backend', 'usage'),
    (
        SELECT count(*)::int FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p') AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname NOT LIKE 'pg\_%'
            AND has_table_privilege(current_user, pg_class.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    ),
    concat_ws(', ',
        CASE WHEN rolcreaterole THEN 'create roles' END,
        CASE WHEN rolcreatedb THEN 'create databases' END,
        CASE WHEN rolreplication THEN 'replicate all data' END,
        CASE WHEN pg_has_role(current_user, 'pg_read_server_files', 'usage') THEN 'read files of the server' END,
        CASE WHEN pg_has_role(current_user, 'pg_write_server_files', 'usage') THEN 'write files of the server' END,
        CASE WHEN pg_has_role(current_user, 'pg_execute_server_program', 'usage') THEN 'run programs on the server' END,
        CASE WHEN EXISTS (
            SELECT 1 FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
                AND has_schema_privilege(current_user, pg_namespace.oid, 'CREATE')
        ) THEN 'create tables' END
    ),
    current_setting('server_version')
FROM pg_roles WHERE rolname = current_user
