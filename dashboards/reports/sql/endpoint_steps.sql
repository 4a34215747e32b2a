-- Requests, failed requests and latency of one endpoint in each step of the window; steps without any are left out.
-- Parameters: endpoint.
-- Columns: place (of the step, from 0), requests, failures (as in failure_rates.sql), samples, p50, p95, p99 (buckets).
-- Indexes: the primary keys of events_count_* and events_endpointlatency_* (time first).
-- series: endpoint = %(endpoint)s AND (name = 'api_response_time' OR severity IN ('critical', 'error'))
-- endpoint_percentiles: WHERE endpoint = %(endpoint)s
, told AS (
    SELECT place,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests,
        greatest(
            sum(event_count) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'),
            sum(event_count) FILTER (WHERE name = 'api_response_time' AND labels ->> 'status' = '5xx'), 0)::bigint AS failures
    FROM counts_by_step GROUP BY 1
)
SELECT place, requests, failures, coalesce(samples, 0) AS samples, p50, p95, p99
FROM told LEFT JOIN endpoint_percentiles_by_step USING (place) ORDER BY place
