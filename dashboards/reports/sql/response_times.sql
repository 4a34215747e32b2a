-- How many requests took how long.
-- Parameters: none.
-- Columns: bucket (events.latency), event_count.
-- Index: the primary keys of events_latency_* (time, series).
-- series: endpoint <> '' AND name = 'api_response_time'
-- latencies: WHERE true
SELECT bucket, event_count FROM latencies
