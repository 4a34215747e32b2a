-- What failed, by name and severity: how often, whom it hurt, how long it took and when it was last heard of.
-- Parameters: contains ("" for every failure and what has "error" in its name; else what has that in its name, whatever its severity).
-- Columns: name, severity (both NULL in the row of all together), event_count, duration_count, duration_ms, affected_users,
-- last_place (of the step with its last event, the steps being in the order of time), service_ids.
-- Indexes: the primary keys of events_namecounts_* and events_nameusers_* (time first).
, told AS (
    SELECT name, severity, sum(event_count)::bigint AS event_count, sum(duration_count)::bigint AS duration_count,
        sum(duration_ms) AS duration_ms, max(place) AS last_place, array_agg(DISTINCT service_id) AS service_ids
    FROM name_counts_by_step
    WHERE CASE WHEN %(contains)s = '' THEN severity IN ('critical', 'error', 'warning') OR name LIKE '%%error%%' ELSE strpos(name, %(contains)s) > 0 END
    GROUP BY GROUPING SETS ((), (name, severity))
), hurt AS (
    SELECT name, severity, sum(bit_count(users))::bigint AS affected_users FROM (
        SELECT name, severity, chunk, bit_or(users) AS users FROM name_users
        WHERE CASE WHEN %(contains)s = '' THEN severity IN ('critical', 'error', 'warning') OR name LIKE '%%error%%' ELSE strpos(name, %(contains)s) > 0 END
        GROUP BY GROUPING SETS ((chunk), (name, severity, chunk))
    ) AS chunks GROUP BY 1, 2
)
SELECT told.name, told.severity, coalesce(event_count, 0) AS event_count, coalesce(duration_count, 0) AS duration_count,
    coalesce(duration_ms, 0) AS duration_ms, coalesce(affected_users, 0) AS affected_users, last_place, service_ids
FROM told LEFT JOIN hurt ON hurt.name IS NOT DISTINCT FROM told.name AND hurt.severity IS NOT DISTINCT FROM told.severity
ORDER BY told.name IS NOT NULL, event_count DESC, told.name, told.severity
