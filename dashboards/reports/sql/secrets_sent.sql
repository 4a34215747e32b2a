-- What was cleaned of events before they were stored: of the newest of each service in a part of the window.
-- Parameters: of_services (int[]); starts_at, ends_at, first_id, last_id (uuid) of the part; most (events of each service);
-- rules (text[]).
-- Columns: service_id, looked_at (events of it that were read), name, rule, path, event_count, last_at; NULL from the name on where
-- nothing was cleaned.
-- Index: the primary key of events_event (id first), or events_event_by_service.
, looked AS MATERIALIZED (
    SELECT service.service_id, found.* FROM unnest(%(of_services)s::int[]) AS service (service_id)
    CROSS JOIN LATERAL (
        SELECT id, name, scrubbed, occurred_at FROM events_event
        WHERE service_id = service.service_id AND occurred_at >= %(starts_at)s AND occurred_at < %(ends_at)s
            AND id >= %(first_id)s AND id < %(last_id)s AND $environment AND (%(release)s = '' OR release = %(release)s)
        ORDER BY id DESC LIMIT %(most)s
    ) AS found
), marked AS (
    SELECT service_id, name, mark ->> 'rule' AS rule, regexp_replace(mark ->> 'path', '\d+', '*', 'g') AS path,
        count(DISTINCT id) AS event_count, max(occurred_at) AS last_at
    FROM looked CROSS JOIN LATERAL jsonb_array_elements(scrubbed) AS mark
    WHERE mark ->> 'rule' = ANY(%(rules)s) GROUP BY 1, 2, 3, 4
)
SELECT service_id, looked_at, name, rule, path, event_count, last_at
FROM (SELECT service_id, count(*) AS looked_at FROM looked GROUP BY 1) AS sizes LEFT JOIN marked USING (service_id)
