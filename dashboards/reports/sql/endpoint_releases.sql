-- Requests, failed requests and latency of one endpoint by release.
-- Parameters: endpoint.
-- Columns: release ("" for none), requests, errors, bad_responses, failures (as in failure_rates.sql), samples, p50, p95, p99 (buckets).
-- Indexes: the primary keys of events_count_* and events_latency_* (time, series).
-- series: endpoint = %(endpoint)s AND (name = 'api_response_time' OR severity IN ('critical', 'error'))
-- percentiles: release WHERE name = 'api_response_time'
, told AS (
    SELECT release,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests,
        coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'), 0)::bigint AS errors,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time' AND labels ->> 'status' = '5xx'), 0)::bigint AS bad_responses
    FROM counts GROUP BY 1
)
SELECT release, requests, errors, bad_responses, greatest(errors, bad_responses) AS failures, coalesce(samples, 0) AS samples, p50, p95, p99
FROM told LEFT JOIN percentiles USING (release) ORDER BY release DESC
