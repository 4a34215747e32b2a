-- What was cleaned of events before they were stored, of the newest of each service in each of some spans.
-- Parameters: of_services (int[]); starts, ends (timestamptz[]), first_ids, last_ids (uuid[]) of the spans; most (events of each);
-- rules (text[]).
-- Columns: service_id, looked_at (events of it that were read), name, rule, path, event_count, last_at.
-- Index: events_event_by_service (service, id).
, looked AS MATERIALIZED (
    SELECT service.service_id, found.* FROM unnest(%(of_services)s::int[]) AS service (service_id)
    CROSS JOIN unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(first_ids)s::uuid[], %(last_ids)s::uuid[])
        AS span (starts_at, ends_at, first_id, last_id)
    CROSS JOIN LATERAL (
        SELECT id, name, scrubbed, occurred_at FROM events_event
        WHERE service_id = service.service_id AND occurred_at >= starts_at AND occurred_at < ends_at
            AND id >= first_id AND id < last_id AND $environment AND (%(release)s = '' OR release = %(release)s)
        ORDER BY id DESC LIMIT %(most)s
    ) AS found
), sizes AS (
    SELECT service_id, count(*) AS looked_at FROM looked GROUP BY 1
)
SELECT service_id, looked_at, name, mark ->> 'rule' AS rule, regexp_replace(mark ->> 'path', '\d+', '*', 'g') AS path,
    count(DISTINCT id) AS event_count, max(occurred_at) AS last_at
FROM looked CROSS JOIN LATERAL jsonb_array_elements(scrubbed) AS mark JOIN sizes USING (service_id)
WHERE mark ->> 'rule' = ANY(%(rules)s) GROUP BY 1, 2, 3, 4, 5
