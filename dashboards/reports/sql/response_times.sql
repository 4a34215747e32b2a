-- How many requests took how long.
-- Parameters: none.
-- Columns: bucket (events.latency), event_count.
-- Index: the primary keys of events_latency_* (time, series).
-- series: endpoint <> '' AND name = 'api_response_time'
SELECT bucket, sum(event_count)::bigint AS event_count FROM latencies GROUP BY 1
