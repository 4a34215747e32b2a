-- How many users and events there were, in the window and in the one before: all together, by severity and by feature.
-- Parameters: endpoint, name, severity, feature ("" for all). Of an
-- endpoint those failures count that failure_rates.sql knows of: errors
-- and critical events, and responses with a status of 5xx; as services often tell it both ways, the larger number counts.
-- Columns: what ("active": everybody; "hurt": who met a failure; "session": whose session was not stabilised; "severity" and "feature":
-- who met a failure of that word; "used": everybody whose events name the feature), word, users, users_before, events, events_before.
-- Indexes: the primary keys of events_count_* and events_users_* (time, series).
-- series: (%(endpoint)s = '' OR endpoint = %(endpoint)s) AND (%(feature)s = '' OR labels ->> 'feature' = %(feature)s)
, kinds AS MATERIALIZED (
    -- There are few of them: sets are merged by kind first, and then once more for all that is asked.
    SELECT series_id, is_failed, is_session, is_request, CASE WHEN is_failed THEN severity ELSE '' END AS failed_as, feature FROM (
        SELECT series_id, severity, coalesce(labels ->> 'feature', '') AS feature, name = 'session_stabilization_failure' AS is_session,
            name = 'api_response_time' AS is_request, (
                CASE WHEN %(endpoint)s = '' THEN severity IN ('critical', 'error', 'warning')
                WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END
                AND (%(name)s = '' OR name = %(name)s) AND (%(severity)s = '' OR severity = %(severity)s)
            ) IS TRUE AS is_failed
        FROM series
    ) AS told
), sets AS (
    SELECT false AS is_before, is_failed, is_session, failed_as, kinds.feature, chunk, bit_or(users) AS users
    FROM users JOIN kinds USING (series_id) GROUP BY 2, 3, 4, 5, 6
    UNION ALL SELECT true, is_failed, is_session, failed_as, kinds.feature, chunk, bit_or(users)
    FROM users_before JOIN kinds USING (series_id) GROUP BY 2, 3, 4, 5, 6
), heads AS (
    SELECT is_before, what, word, sum(bit_count(users))::bigint AS users FROM (
        SELECT is_before, what, word, chunk, bit_or(users) AS users FROM sets CROSS JOIN LATERAL (VALUES
            ('active', '', true), ('hurt', '', is_failed), ('session', '', is_session), ('severity', failed_as, is_failed),
            ('feature', feature, is_failed AND feature <> ''), ('used', feature, feature <> '')
        ) AS belongs (what, word, does) WHERE does GROUP BY 1, 2, 3, 4
    ) AS chunks GROUP BY 1, 2, 3
), numbers AS (
    SELECT is_before, is_failed, is_session, is_request, failed_as, feature, sum(event_count) AS event_count FROM (
        SELECT false AS is_before, series_id, event_count FROM counts
        UNION ALL SELECT true, series_id, event_count FROM counts_before
    ) AS both_windows JOIN kinds USING (series_id) GROUP BY 1, 2, 3, 4, 5, 6
), told AS (
    SELECT is_before, what, word, CASE WHEN %(endpoint)s = '' THEN sum(event_count) ELSE greatest(
        sum(event_count) FILTER (WHERE is_request), sum(event_count) FILTER (WHERE NOT is_request)) END::bigint AS events
    FROM numbers CROSS JOIN LATERAL (VALUES
        ('hurt', '', is_failed), ('session', '', is_session), ('severity', failed_as, is_failed),
        ('feature', feature, is_failed AND feature <> '')
    ) AS belongs (what, word, does) WHERE does GROUP BY 1, 2, 3
)
SELECT what, word,
    coalesce(sum(users) FILTER (WHERE NOT is_before), 0)::bigint AS users,
    coalesce(sum(users) FILTER (WHERE is_before), 0)::bigint AS users_before,
    coalesce(sum(events) FILTER (WHERE NOT is_before), 0)::bigint AS events,
    coalesce(sum(events) FILTER (WHERE is_before), 0)::bigint AS events_before
FROM told FULL JOIN heads USING (is_before, what, word) GROUP BY 1, 2
