-- How many users and events there were, in the window and in the one before: all together, and those of failures by severity.
-- Parameters: severity ("" for all failures).
-- Columns: as in user_impact.sql; what is "active", "hurt" or "severity".
-- Indexes: the primary keys of events_count_* and events_people_* (time first).
-- series: severity IN ('critical', 'error', 'warning') AND (%(severity)s = '' OR severity = %(severity)s)
, sets AS (
    SELECT false AS is_before, severity, chunk, bit_or(users) AS users FROM people GROUP BY 2, 3
    UNION ALL SELECT true, severity, chunk, bit_or(users) FROM people_before GROUP BY 2, 3
), told_sets AS (
    SELECT *, severity IN ('critical', 'error', 'warning') AND (%(severity)s = '' OR severity = %(severity)s) AS is_failed FROM sets
), people_told AS (
    SELECT is_before, what, word, sum(bit_count(users))::bigint AS users FROM (
        SELECT is_before, what, word, chunk, bit_or(users) AS users FROM told_sets CROSS JOIN LATERAL (VALUES
            ('active', '', true), ('hurt', '', is_failed), ('severity', severity, is_failed)
        ) AS belongs (what, word, does) WHERE does GROUP BY 1, 2, 3, 4
    ) AS chunks GROUP BY 1, 2, 3
), numbers AS (
    SELECT false AS is_before, severity, sum(event_count)::bigint AS events FROM counts GROUP BY 2
    UNION ALL SELECT true, severity, sum(event_count)::bigint FROM counts_before GROUP BY 2
), told AS (
    SELECT is_before, what, word, sum(events)::bigint AS events FROM numbers CROSS JOIN LATERAL (VALUES
        ('hurt', ''), ('severity', severity)
    ) AS belongs (what, word) GROUP BY 1, 2, 3
)
SELECT what, word,
    coalesce(sum(users) FILTER (WHERE NOT is_before), 0)::bigint AS users,
    coalesce(sum(users) FILTER (WHERE is_before), 0)::bigint AS users_before,
    coalesce(sum(events) FILTER (WHERE NOT is_before), 0)::bigint AS events,
    coalesce(sum(events) FILTER (WHERE is_before), 0)::bigint AS events_before
FROM told FULL JOIN people_told USING (is_before, what, word) GROUP BY 1, 2
