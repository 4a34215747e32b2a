-- How long converted trials took to convert, in buckets.
-- Columns: trial_type ("" for none named), bucket (events.latency), trials.
-- Index: the primary keys of events_latency_* (time, series).
-- series: name = 'trial_conversion' AND labels ->> 'converted' = 'true'
-- few series
SELECT coalesce(labels ->> 'trial_type', '') AS trial_type, bucket, sum(event_count)::bigint AS trials FROM latencies GROUP BY 1, 2
