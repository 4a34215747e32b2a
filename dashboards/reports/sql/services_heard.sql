-- Since which day (UTC) each service was heard of, as far back as asked.
-- Parameters: since (a full day, UTC).
-- Columns: service_id, day.
-- Index: the primary key of events_count_days (day, series).
SELECT service_id, min(day) AS day FROM events_count_days JOIN series USING (series_id)
WHERE day >= %(since)s AND day < %(end)s GROUP BY 1
