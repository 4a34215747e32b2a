-- How long the requests of each endpoint took, by release.
-- Parameters: releases (text[]).
-- Columns: service_id, endpoint, release, samples, p50, p95, p99 (buckets).
-- Index: the primary keys of events_latency_* (time, series).
-- series: endpoint <> '' AND name = 'api_response_time' AND release = ANY(%(releases)s)
-- latencies: service_id, endpoint, release
, ranked AS (
    SELECT service_id, endpoint, release, bucket,
        sum(event_count) OVER (PARTITION BY service_id, endpoint, release ORDER BY bucket) AS up_to,
        sum(event_count) OVER (PARTITION BY service_id, endpoint, release) AS total
    FROM latencies
)
SELECT service_id, endpoint, release, max(total)::bigint AS samples,
    min(bucket) FILTER (WHERE up_to >= ceil(0.50 * total)) AS p50,
    min(bucket) FILTER (WHERE up_to >= ceil(0.95 * total)) AS p95,
    min(bucket) FILTER (WHERE up_to >= ceil(0.99 * total)) AS p99
FROM ranked GROUP BY 1, 2, 3
