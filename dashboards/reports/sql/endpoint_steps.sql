-- Requests, failed requests and latency of one endpoint in each step of the window; steps without any are left out.
-- Parameters: endpoint.
-- Columns: place (of the step, from 0), requests, failures (as in failure_rates.sql), samples, p50, p95, p99 (buckets).
-- Indexes: the primary keys of events_count_* and events_endpointlatency_* (time first).
-- series: endpoint = %(endpoint)s AND (name = 'api_response_time' OR severity IN ('critical', 'error'))
-- endpoint_latencies: WHERE endpoint = %(endpoint)s
, told AS (
    SELECT place,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests,
        greatest(
            sum(event_count) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'),
            sum(event_count) FILTER (WHERE name = 'api_response_time' AND labels ->> 'status' = '5xx'), 0)::bigint AS failures
    FROM counts_by_step GROUP BY 1
), ranked AS (
    SELECT place, bucket, sum(event_count) OVER (PARTITION BY place ORDER BY bucket) AS up_to,
        sum(event_count) OVER (PARTITION BY place) AS total
    FROM endpoint_latencies_by_step
), percentiles AS (
    SELECT place, max(total)::bigint AS samples,
        min(bucket) FILTER (WHERE up_to >= ceil(0.50 * total)) AS p50,
        min(bucket) FILTER (WHERE up_to >= ceil(0.95 * total)) AS p95,
        min(bucket) FILTER (WHERE up_to >= ceil(0.99 * total)) AS p99
    FROM ranked GROUP BY 1
)
SELECT place, requests, failures, coalesce(samples, 0) AS samples, p50, p95, p99
FROM told LEFT JOIN percentiles USING (place) ORDER BY place
