-- What failed deliveries were called, and why.
-- Parameters: none.
-- Columns: service_id, name, severity, reason ("" when none was named), events, users_hurt.
-- Indexes: the primary keys of events_count_* and events_users_* (time, series).
-- A pattern is matched with the few different names, not with every series of theirs.
-- series: severity IN ('critical', 'error', 'warning')
-- series: AND name = ANY(ARRAY(SELECT name FROM (SELECT DISTINCT name FROM events_series OFFSET 0) AS names WHERE name ~ '(formspree|mail|notification|sms|webhook)'))
-- few series
, told AS (
    SELECT service_id, name, severity, coalesce(labels ->> 'reason', '') AS reason, sum(event_count)::bigint AS events
    FROM counts GROUP BY 1, 2, 3, 4
), hurt AS (
    SELECT service_id, name, severity, reason, sum(bit_count(users))::bigint AS users_hurt FROM (
        SELECT service_id, name, severity, coalesce(labels ->> 'reason', '') AS reason, chunk, bit_or(users) AS users
        FROM users GROUP BY 1, 2, 3, 4, 5
    ) AS chunks GROUP BY 1, 2, 3, 4
)
SELECT service_id, name, severity, reason, events, coalesce(users_hurt, 0) AS users_hurt
FROM told LEFT JOIN hurt USING (service_id, name, severity, reason) ORDER BY events DESC, name, reason, service_id
