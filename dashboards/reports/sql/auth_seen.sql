-- In which steps each address was heard of first and last.
-- Columns: ip, first_place, last_place (of the steps, from 0).
-- Index: the primary keys of events_count_* (time, series).
-- series: labels ? 'ip'
SELECT labels ->> 'ip' AS ip, min(place) AS first_place, max(place) AS last_place FROM counts_by_step WHERE event_count > 0 GROUP BY 1
