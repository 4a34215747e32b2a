-- Events, failures and users hurt of some releases in the window.
-- Parameters: releases (text[]).
-- Columns: service_id, release, events, failures, users_hurt.
-- Indexes: the primary keys of events_count_* and events_users_* (time, series).
-- series: release = ANY(%(releases)s)
-- users: severity IN ('critical', 'error', 'warning')
, told AS (
    SELECT service_id, release, sum(event_count)::bigint AS events,
        coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error', 'warning')), 0)::bigint AS failures
    FROM counts GROUP BY 1, 2
), hurt AS (
    SELECT service_id, release, sum(bit_count(users))::bigint AS users_hurt FROM (
        SELECT service_id, release, chunk, bit_or(users) AS users
        FROM users GROUP BY 1, 2, 3
    ) AS chunks GROUP BY 1, 2
)
SELECT service_id, release, events, failures, coalesce(users_hurt, 0) AS users_hurt
FROM told LEFT JOIN hurt USING (service_id, release)
