-- How long converted trials took to convert, in buckets.
-- Columns: trial_type ("" for none named), bucket (events.latency), trials.
-- Index: the primary keys of events_latency_* (time, series).
-- series: name = 'trial_conversion' AND labels ->> 'converted' = 'true'
-- few series
-- latencies: coalesce(labels ->> 'trial_type', '') AS trial_type
SELECT trial_type, bucket, event_count AS trials FROM latencies
