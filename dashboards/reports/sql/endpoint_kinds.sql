-- What failed at one endpoint: events of severity error and critical, and responses with a status of 5xx, by name.
-- Parameters: endpoint.
-- Columns: name, severity, event_count, users_hurt.
-- Indexes: the primary keys of events_count_* and events_users_* (time, series).
-- series: endpoint = %(endpoint)s AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END
, told AS (
    SELECT name, severity, sum(event_count)::bigint AS event_count FROM counts GROUP BY 1, 2
), hurt AS (
    SELECT name, severity, sum(bit_count(users))::bigint AS users_hurt FROM (
        SELECT name, severity, chunk, bit_or(users) AS users FROM users GROUP BY 1, 2, 3
    ) AS chunks GROUP BY 1, 2
)
SELECT name, severity, event_count, coalesce(users_hurt, 0) AS users_hurt
FROM told LEFT JOIN hurt USING (name, severity) ORDER BY event_count DESC, name, severity
