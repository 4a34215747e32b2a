-- How many users and events there were, in the window and in the one before: all together, those of failures by severity, and those
-- of sessions that were not stabilised.
-- Parameters: severity ("" for all failures); has_sessions (whether those are wanted).
-- Columns: as in user_impact.sql; what is "active", "hurt", "session" or "severity".
-- Indexes: the primary keys of events_namecounts_*, events_people_* and events_nameusers_* (time first).
, sets AS (
    SELECT false AS is_before, severity, false AS is_session, chunk, bit_or(users) AS users FROM people GROUP BY 2, 4
    UNION ALL SELECT true, severity, false, chunk, bit_or(users) FROM people_before GROUP BY 2, 4
    UNION ALL SELECT false, '', true, chunk, users FROM name_users WHERE %(has_sessions)s AND name = 'session_stabilization_failure'
    UNION ALL SELECT true, '', true, chunk, users FROM name_users_before WHERE %(has_sessions)s AND name = 'session_stabilization_failure'
), numbers AS (
    SELECT false AS is_before, severity, name = 'session_stabilization_failure' AS is_session, sum(event_count)::bigint AS events
    FROM name_counts GROUP BY 2, 3
    UNION ALL SELECT true, severity, name = 'session_stabilization_failure', sum(event_count)::bigint FROM name_counts_before GROUP BY 2, 3
), told_sets AS (
    SELECT is_before, what, word, sum(bit_count(users))::bigint AS users FROM (
        SELECT is_before, what, word, chunk, bit_or(users) AS users FROM sets CROSS JOIN LATERAL (
            SELECT severity IN ('critical', 'error', 'warning') AND (%(severity)s = '' OR severity = %(severity)s) AS is_failed
        ) AS failed CROSS JOIN LATERAL (VALUES
            ('active', '', NOT is_session), ('hurt', '', is_failed), ('session', '', is_session), ('severity', severity, is_failed)
        ) AS belongs (what, word, does) WHERE does GROUP BY 1, 2, 3, 4
    ) AS chunks GROUP BY 1, 2, 3
), told AS (
    SELECT is_before, what, word, sum(events)::bigint AS events FROM numbers CROSS JOIN LATERAL (
        SELECT severity IN ('critical', 'error', 'warning') AND (%(severity)s = '' OR severity = %(severity)s) AS is_failed
    ) AS failed CROSS JOIN LATERAL (VALUES
        ('hurt', '', is_failed), ('session', '', is_session), ('severity', severity, is_failed)
    ) AS belongs (what, word, does) WHERE does GROUP BY 1, 2, 3
)
SELECT what, word,
    coalesce(sum(users) FILTER (WHERE NOT is_before), 0)::bigint AS users,
    coalesce(sum(users) FILTER (WHERE is_before), 0)::bigint AS users_before,
    coalesce(sum(events) FILTER (WHERE NOT is_before), 0)::bigint AS events,
    coalesce(sum(events) FILTER (WHERE is_before), 0)::bigint AS events_before
FROM told FULL JOIN told_sets USING (is_before, what, word) GROUP BY 1, 2
