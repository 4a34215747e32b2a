-- Users whom events of sign-in and abuse name, by address and kind.
-- Parameters: names, kinds, as in auth_addresses.sql.
-- Columns: ip ("" for none; null: of all addresses), kind (null: of all kinds), accounts.
-- Index: the primary keys of events_users_* (time, series).
-- series: labels ? 'ip' OR name = ANY(%(names)s)
, told AS (
    SELECT coalesce(labels ->> 'ip', '') AS ip, coalesce(kind, 'other') AS kind, chunk, users
    FROM users LEFT JOIN unnest(%(names)s::text[], %(kinds)s::text[]) AS wanted (name, kind) USING (name)
)
SELECT ip, kind, sum(bit_count(users))::bigint AS accounts FROM (
    SELECT ip, kind, chunk, bit_or(users) AS users FROM told GROUP BY GROUPING SETS ((ip, kind, chunk), (ip, chunk), (kind, chunk))
) AS chunks GROUP BY 1, 2
