-- Requests, refusals (4xx) and failures of the endpoints of sign-in and sessions, in the window and in the one before.
-- Parameters: endpoints: the pattern of such an endpoint.
-- Columns: endpoint, requests, refused, failures (as in failure_rates.sql), and the same of the window before.
-- Index: the primary keys of events_count_* (time, series).
-- A pattern is matched with the few different endpoints, not with every series of theirs.
-- series: endpoint = ANY(ARRAY(SELECT endpoint FROM (SELECT DISTINCT endpoint FROM events_series OFFSET 0) AS endpoints WHERE endpoint ~* %(endpoints)s))
-- series: AND (name = 'api_response_time' OR severity IN ('critical', 'error'))
, told AS (
    SELECT endpoint, name, severity, labels ->> 'status' AS status, event_count, 0 AS event_count_before FROM counts
    UNION ALL SELECT endpoint, name, severity, labels ->> 'status', 0, event_count FROM counts_before
)
SELECT endpoint,
    coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests,
    coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time' AND status = '4xx'), 0)::bigint AS refused,
    greatest(
        sum(event_count) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'),
        sum(event_count) FILTER (WHERE name = 'api_response_time' AND status = '5xx'), 0)::bigint AS failures,
    coalesce(sum(event_count_before) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests_before,
    coalesce(sum(event_count_before) FILTER (WHERE name = 'api_response_time' AND status = '4xx'), 0)::bigint AS refused_before,
    greatest(
        sum(event_count_before) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'),
        sum(event_count_before) FILTER (WHERE name = 'api_response_time' AND status = '5xx'), 0)::bigint AS failures_before
FROM told GROUP BY 1 ORDER BY 1
