-- How long the requests of each endpoint took, by release.
-- Parameters: releases (text[]).
-- Columns: service_id, endpoint, release, samples, p50, p95, p99, p95_low, p95_high (buckets).
-- Index: the primary keys of events_latency_* (time, series).
-- series: endpoint <> '' AND name = 'api_response_time' AND release = ANY(%(releases)s)
-- percentiles: service_id, endpoint, release
SELECT service_id, endpoint, release, samples, p50, p95, p99, p95_low, p95_high FROM percentiles WHERE samples > 0
