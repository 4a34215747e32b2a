-- Requests and failures by the words that rules choose by, in the window and in the one before.
-- Parameters: none.
-- Columns: service_id, environment, endpoint, name, severity, is_bad_answer (a response with a status of 5xx), event_count, event_count_before.
-- Indexes: the primary keys of events_count_* (time first).
-- series: name = 'api_response_time' OR severity IN ('critical', 'error')
, told AS (
    SELECT service_id, environment, endpoint, name, severity, coalesce(labels ->> 'status', '') = '5xx' AS is_bad_answer,
        sum(event_count)::bigint AS event_count
    FROM counts GROUP BY 1, 2, 3, 4, 5, 6
), told_before AS (
    SELECT service_id, environment, endpoint, name, severity, coalesce(labels ->> 'status', '') = '5xx' AS is_bad_answer,
        sum(event_count)::bigint AS event_count_before
    FROM counts_before GROUP BY 1, 2, 3, 4, 5, 6
)
SELECT service_id, environment, endpoint, name, severity, is_bad_answer,
    coalesce(event_count, 0) AS event_count, coalesce(event_count_before, 0) AS event_count_before
FROM told FULL JOIN told_before USING (service_id, environment, endpoint, name, severity, is_bad_answer)
