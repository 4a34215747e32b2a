-- How many requests took how long.
-- Parameters: none.
-- Columns: bucket (events.latency), event_count.
-- Index: the primary keys of events_endpointlatency_* (time first).
-- endpoint_latencies: WHERE true
SELECT bucket, event_count FROM endpoint_latencies
