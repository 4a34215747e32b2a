-- Events of sign-in, sessions and abuse: by address and kind, and by kind and step.
-- Parameters: names, kinds (text[] of equal length): the names of events, and what kind each is of; other events that are labelled
-- with an address are of kind "other".
-- Columns: ip ("" for none; null: of all addresses in one step), kind, place (of the step, from 0; null: of all steps), event_count,
-- first_place, last_place (of the steps that have any).
-- Index: the primary keys of events_count_* (time, series).
-- series: labels ? 'ip' OR name = ANY(%(names)s)
, told AS (
    SELECT coalesce(labels ->> 'ip', '') AS ip, coalesce(kind, 'other') AS kind, place, event_count
    FROM counts_by_step LEFT JOIN unnest(%(names)s::text[], %(kinds)s::text[]) AS wanted (name, kind) USING (name)
)
SELECT ip, kind, place, sum(event_count)::bigint AS event_count, min(told.place) AS first_place, max(told.place) AS last_place
FROM told WHERE event_count > 0 GROUP BY GROUPING SETS ((ip, kind), (kind, place))
