-- The first day (UTC) of which anything is counted.
-- Columns: day; no row when there is none.
-- Index: the primary key of events_count_days (day, series), up to the first row that is one of ours.
SELECT day FROM events_count_days WHERE series_id IN (SELECT series_id FROM series) ORDER BY day LIMIT 1
