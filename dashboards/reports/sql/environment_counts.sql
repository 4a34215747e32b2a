-- How many events some services sent from each of their environments in the window.
-- Parameters: services (int[]).
-- Columns: service_id, environment ("" for events that name none), event_count.
-- Index: the primary keys of events_namecounts_* (time first).
SELECT service_id, environment, sum(event_count)::bigint AS event_count FROM name_counts WHERE service_id = ANY(%(services)s) GROUP BY 1, 2
