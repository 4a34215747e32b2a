-- Records that disagree, by what they are.
-- Parameters: none.
-- Columns: service_id, record ("" when none was named), events, events_before, users_hurt, releases (text[] of those that told of it).
-- Indexes: the primary keys of events_count_* and events_users_* (time, series).
-- series: name = 'data_consistency_error'
-- few series
, now AS (
    SELECT service_id, coalesce(labels ->> 'record', '') AS record, sum(event_count)::bigint AS events,
        array_remove(array_agg(DISTINCT release), '') AS releases
    FROM counts GROUP BY 1, 2
), earlier AS (
    SELECT service_id, coalesce(labels ->> 'record', '') AS record, sum(event_count)::bigint AS events_before
    FROM counts_before GROUP BY 1, 2
), hurt AS (
    SELECT service_id, record, sum(bit_count(users))::bigint AS users_hurt FROM (
        SELECT service_id, coalesce(labels ->> 'record', '') AS record, chunk, bit_or(users) AS users FROM users GROUP BY 1, 2, 3
    ) AS chunks GROUP BY 1, 2
)
SELECT service_id, record, events, coalesce(events_before, 0) AS events_before, coalesce(users_hurt, 0) AS users_hurt, releases
FROM now LEFT JOIN earlier USING (service_id, record) LEFT JOIN hurt USING (service_id, record)
ORDER BY events DESC, record, service_id
