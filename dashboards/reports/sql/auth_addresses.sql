-- Events by address and kind, and how many accounts they name.
-- Parameters: names, kinds: as in auth_by_step.sql; events of other names that are labelled with an address are of kind "other".
-- Columns: ip ("" for none; null: of all addresses), kind (null: of all kinds), event_count, accounts.
-- Indexes: the primary keys of events_count_* and events_users_* (time, series).
-- series: labels ? 'ip' OR name = ANY(%(names)s)
, wanted AS (
    SELECT name, kind FROM unnest(%(names)s::text[], %(kinds)s::text[]) AS wanted (name, kind)
), told AS (
    SELECT ip, kind, sum(event_count)::bigint AS event_count FROM (
        SELECT coalesce(labels ->> 'ip', '') AS ip, coalesce(kind, 'other') AS kind, event_count
        FROM counts LEFT JOIN wanted USING (name)
    ) AS found GROUP BY GROUPING SETS ((ip, kind), (ip), (kind))
), hit AS (
    SELECT ip, kind, sum(bit_count(users))::bigint AS accounts FROM (
        SELECT ip, kind, chunk, bit_or(users) AS users FROM (
            SELECT coalesce(labels ->> 'ip', '') AS ip, coalesce(kind, 'other') AS kind, chunk, users
            FROM users LEFT JOIN wanted USING (name)
        ) AS found GROUP BY GROUPING SETS ((ip, kind, chunk), (ip, chunk), (kind, chunk))
    ) AS chunks GROUP BY 1, 2
)
SELECT told.ip, told.kind, told.event_count, coalesce(accounts, 0) AS accounts
FROM told LEFT JOIN hit ON told.ip IS NOT DISTINCT FROM hit.ip AND told.kind IS NOT DISTINCT FROM hit.kind
