-- How long the requests of each endpoint took in the window.
-- Parameters: least (an endpoint has more requests than that).
-- Columns: service_id, endpoint, requests, slow (events named slow_endpoint), samples, p50, p95, p99, p95_low, p95_high (buckets).
-- Indexes: the primary keys of events_count_* and events_endpointlatency_* (time first).
-- series: endpoint <> '' AND name IN ('api_response_time', 'slow_endpoint')
-- endpoint_percentiles: service_id, endpoint
, told AS (
    SELECT service_id, endpoint,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests,
        coalesce(sum(event_count) FILTER (WHERE name = 'slow_endpoint'), 0)::bigint AS slow
    FROM counts GROUP BY 1, 2
)
SELECT service_id, endpoint, requests, slow, coalesce(samples, 0) AS samples, p50, p95, p99, p95_low, p95_high
FROM told LEFT JOIN endpoint_percentiles USING (service_id, endpoint) WHERE requests > %(least)s
