-- Requests and failed requests of each endpoint of each service, in the window and in the one before.
-- Parameters: endpoint ("" for all); is_timed (whether samples and percentiles are wanted).
-- Columns: service_id, endpoint, requests, errors, bad_responses, requests_before, failures_before, samples, p50, p95, p99 (buckets), users_hurt.
-- A request is an api_response_time. A failed request is told by an error or critical event that names the endpoint, or by a response
-- with a status of 5xx; as services often tell it both ways, the larger number counts, and never more requests failed than there were.
-- Indexes: the primary keys of events_count_*, events_endpointlatency_* and events_endpointusers_* (time first).
-- series: endpoint <> '' AND (%(endpoint)s = '' OR endpoint = %(endpoint)s) AND (name = 'api_response_time' OR severity IN ('critical', 'error'))
-- endpoint_percentiles: service_id, endpoint WHERE %(is_timed)s AND (%(endpoint)s = '' OR endpoint = %(endpoint)s)
, told AS (
    SELECT service_id, endpoint,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests,
        coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'), 0)::bigint AS errors,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time' AND labels ->> 'status' = '5xx'), 0)::bigint AS bad_responses
    FROM counts GROUP BY 1, 2
), told_before AS (
    SELECT service_id, endpoint,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time'), 0)::bigint AS requests,
        coalesce(sum(event_count) FILTER (WHERE severity IN ('critical', 'error') AND name <> 'api_response_time'), 0)::bigint AS errors,
        coalesce(sum(event_count) FILTER (WHERE name = 'api_response_time' AND labels ->> 'status' = '5xx'), 0)::bigint AS bad_responses
    FROM counts_before GROUP BY 1, 2
), hurt AS (
    SELECT service_id, endpoint, sum(bit_count(users))::bigint AS users_hurt FROM (
        SELECT service_id, endpoint, chunk, bit_or(users) AS users
        FROM endpoint_users WHERE %(endpoint)s = '' OR endpoint = %(endpoint)s GROUP BY 1, 2, 3
    ) AS chunks GROUP BY 1, 2
)
SELECT service_id, endpoint,
    coalesce(told.requests, 0) AS requests,
    coalesce(told.errors, 0) AS errors,
    coalesce(told.bad_responses, 0) AS bad_responses,
    coalesce(told_before.requests, 0) AS requests_before,
    greatest(told_before.errors, told_before.bad_responses, 0) AS failures_before,
    coalesce(samples, 0) AS samples, p50, p95, p99,
    coalesce(users_hurt, 0) AS users_hurt
FROM told
FULL JOIN told_before USING (service_id, endpoint)
LEFT JOIN endpoint_percentiles USING (service_id, endpoint)
LEFT JOIN hurt USING (service_id, endpoint)
