-- Tables that are read from end to end, and indexes that are broken or never used. Names are quoted where SQL needs that.
-- Columns: kind (scans, invalid, unused), schema, table, index ("" for scans), bytes, seq_scans, seq_rows, index_scans, rows, columns
--   (that foreign keys of the table begin with and no index does).
-- Parameters: most (rows).
WITH wanted AS (
    SELECT key.conrelid, string_agg(DISTINCT quote_ident(attribute.attname), ', ') AS columns
    FROM pg_constraint AS key JOIN pg_attribute AS attribute ON attribute.attrelid = key.conrelid AND attribute.attnum = key.conkey[1]
    WHERE key.contype = 'f' AND NOT EXISTS (
        SELECT 1 FROM pg_index WHERE pg_index.indrelid = key.conrelid AND pg_index.indkey[0] = key.conkey[1] AND pg_index.indisvalid
    )
    GROUP BY key.conrelid
)
SELECT 'scans', quote_ident(schemaname), quote_ident(relname), '', pg_table_size(relid), seq_scan, seq_tup_read,
    coalesce(idx_scan, 0), n_live_tup, coalesce(wanted.columns, '')
FROM pg_stat_user_tables LEFT JOIN wanted ON wanted.conrelid = relid
WHERE n_live_tup >= 10000 AND seq_scan >= 50 AND seq_tup_read >= 20 * n_live_tup
UNION ALL
SELECT CASE WHEN NOT indisvalid THEN 'invalid' ELSE 'unused' END, quote_ident(schemaname), quote_ident(relname),
    quote_ident(indexrelname), pg_relation_size(stats.indexrelid), 0, 0, stats.idx_scan, 0, ''
FROM pg_stat_user_indexes AS stats JOIN pg_index USING (indexrelid)
WHERE NOT indisvalid
    OR (stats.idx_scan = 0 AND NOT indisunique AND pg_relation_size(stats.indexrelid) >= 10 * 1024 * 1024)
ORDER BY 1, 7 DESC, 5 DESC, 2, 3, 4
LIMIT %(most)s
