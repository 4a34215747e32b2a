-- How long the calls of each AI provider took, and how many of them succeeded in time.
-- Parameters: last_bucket (the last one that is wholly within the time allowed), not_used (text[]: fallback_used that say no).
-- Columns: ai_provider, samples, within, p50, p95, p99 (buckets).
-- A call succeeds in time when its response is not 5xx, was not given by a fallback and took no longer.
-- Index: the primary keys of events_latency_* (time, series).
-- series: name = 'api_response_time' AND labels ? 'ai_provider'
-- latencies: labels ->> 'ai_provider' AS ai_provider,
-- latencies: coalesce(labels ->> 'status', '') <> '5xx' AND lower(coalesce(labels ->> 'fallback_used', '')) = ANY(%(not_used)s) AS succeeded
, histogram AS (
    SELECT ai_provider, bucket, sum(event_count) AS event_count,
        sum(event_count) FILTER (WHERE succeeded AND bucket <= %(last_bucket)s) AS within
    FROM latencies GROUP BY 1, 2
), ranked AS (
    SELECT ai_provider, bucket, within, sum(event_count) OVER (PARTITION BY ai_provider ORDER BY bucket) AS up_to,
        sum(event_count) OVER (PARTITION BY ai_provider) AS total
    FROM histogram
)
SELECT ai_provider, max(total)::bigint AS samples, coalesce(sum(within), 0)::bigint AS within,
    min(bucket) FILTER (WHERE up_to >= ceil(0.50 * total)) AS p50,
    min(bucket) FILTER (WHERE up_to >= ceil(0.95 * total)) AS p95,
    min(bucket) FILTER (WHERE up_to >= ceil(0.99 * total)) AS p99
FROM ranked GROUP BY 1 ORDER BY 1
