-- Requests and failed requests of some endpoints in each step of the window; steps without either are left out.
-- Parameters: endpoints (text[]).
-- Columns: service_id, endpoint, place (of the step, from 0), requests, errors, failures (as in failure_rates.sql).
-- Index: the primary keys of events_count_* (time, series).
-- series: endpoint = ANY(%(endpoints)s) AND (name = 'api_response_time' OR severity IN ('critical', 'error'))
SELECT service_id, endpoint, place,
    coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests,
    coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'), 0)::bigint AS errors,
    greatest(
        sum(event_count) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'),
        sum(event_count) FILTER (WHERE name = 'api_response_time' AND labels ->> 'status' = '5xx'), 0)::bigint AS failures
FROM counts_by_step GROUP BY 1, 2, 3
