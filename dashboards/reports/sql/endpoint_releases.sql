-- Requests, failed requests and latency of one endpoint by release.
-- Parameters: endpoint.
-- Columns: release ("" for none), requests, errors, bad_responses, failures (as in failure_rates.sql), samples, p50, p95, p99 (buckets).
-- Indexes: the primary keys of events_count_* and events_latency_* (time, series).
-- series: endpoint = %(endpoint)s AND (name = 'api_response_time' OR severity IN ('critical', 'error'))
-- latencies: release WHERE name = 'api_response_time'
, told AS (
    SELECT release,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests,
        coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'), 0)::bigint AS errors,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time' AND labels ->> 'status' = '5xx'), 0)::bigint AS bad_responses
    FROM counts GROUP BY 1
), ranked AS (
    SELECT release, bucket, sum(event_count) OVER (PARTITION BY release ORDER BY bucket) AS up_to,
        sum(event_count) OVER (PARTITION BY release) AS total
    FROM latencies
), percentiles AS (
    SELECT release, max(total)::bigint AS samples,
        min(bucket) FILTER (WHERE up_to >= ceil(0.50 * total)) AS p50,
        min(bucket) FILTER (WHERE up_to >= ceil(0.95 * total)) AS p95,
        min(bucket) FILTER (WHERE up_to >= ceil(0.99 * total)) AS p99
    FROM ranked GROUP BY 1
)
SELECT release, requests, errors, bad_responses, greatest(errors, bad_responses) AS failures, coalesce(samples, 0) AS samples, p50, p95, p99
FROM told LEFT JOIN percentiles USING (release) ORDER BY release DESC
