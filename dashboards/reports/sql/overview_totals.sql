-- Everything that was sent and everything that failed, in the window and in the one before, and how many users that was.
-- Parameters: none.
-- Columns: events, failures, users_active, users_hurt, and each with _before.
-- Indexes: the primary keys of events_namecounts_* and events_people_* (time first).
, told AS (
    SELECT coalesce(sum(event_count), 0)::bigint AS events,
        coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error', 'warning')), 0)::bigint AS failures
    FROM name_counts
), told_before AS (
    SELECT coalesce(sum(event_count), 0)::bigint AS events_before,
        coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error', 'warning')), 0)::bigint AS failures_before
    FROM name_counts_before
), sets AS (
    SELECT chunk, bit_or(users) AS active, bit_or(users) FILTER (WHERE severity IN ('critical', 'error', 'warning')) AS hurt
    FROM people GROUP BY 1
), sets_before AS (
    SELECT chunk, bit_or(users) AS active, bit_or(users) FILTER (WHERE severity IN ('critical', 'error', 'warning')) AS hurt
    FROM people_before GROUP BY 1
)
SELECT told.*, told_before.*,
    (SELECT coalesce(sum(bit_count(active)), 0)::bigint FROM sets) AS users_active,
    (SELECT coalesce(sum(bit_count(hurt)), 0)::bigint FROM sets) AS users_hurt,
    (SELECT coalesce(sum(bit_count(active)), 0)::bigint FROM sets_before) AS users_active_before,
    (SELECT coalesce(sum(bit_count(hurt)), 0)::bigint FROM sets_before) AS users_hurt_before
FROM told, told_before
