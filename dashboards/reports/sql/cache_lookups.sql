-- Lookups and hits by prefix of the key and time to live, in the window and in the one before.
-- Parameters: none.
-- Columns: service_id, prefix ("" when the event had no key), ttl (text, "" for none), lookups, hits, lookups_before, hits_before.
-- Index: the primary keys of events_count_* (time, series).
-- series: name = 'cache_performance'
, now AS (
    SELECT service_id, coalesce(labels ->> 'key', '') AS prefix, coalesce(labels ->> 'ttl', '') AS ttl,
        sum(event_count)::bigint AS lookups,
        coalesce(sum(event_count) FILTER (WHERE labels ->> 'hit' = 'true'), 0)::bigint AS hits
    FROM counts GROUP BY 1, 2, 3
), earlier AS (
    SELECT service_id, coalesce(labels ->> 'key', '') AS prefix, coalesce(labels ->> 'ttl', '') AS ttl,
        sum(event_count)::bigint AS lookups_before,
        coalesce(sum(event_count) FILTER (WHERE labels ->> 'hit' = 'true'), 0)::bigint AS hits_before
    FROM counts_before GROUP BY 1, 2, 3
)
SELECT service_id, prefix, ttl, coalesce(lookups, 0) AS lookups, coalesce(hits, 0) AS hits,
    coalesce(lookups_before, 0) AS lookups_before, coalesce(hits_before, 0) AS hits_before
FROM now FULL JOIN earlier USING (service_id, prefix, ttl)
