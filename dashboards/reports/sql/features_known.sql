-- Every feature that an event of the services (or of any) ever named, and when it was last used in the steps: days.
-- Columns: feature, place (of the last day with a use; NULL: none).
-- Index: the primary keys of events_featurecounts_* (time first); events_series is read whole.
, last_uses AS (
    SELECT feature, max(place) AS place FROM feature_counts_by_step WHERE is_use GROUP BY 1
), known AS (
    SELECT DISTINCT labels ->> 'feature' AS feature FROM events_series
    WHERE labels ->> 'feature' IS NOT NULL AND $service
)
SELECT feature, place FROM known LEFT JOIN last_uses USING (feature) ORDER BY 1
