-- Features that AI works for: those of which an event ever named a provider, or an ai_failure ever told.
-- Columns: feature.
-- Index: none; reads the words of the counters (events_series).
-- series: labels ? 'feature' AND (name = 'ai_failure' OR name IN ('api_response_time', 'api_timeout') AND labels ? 'ai_provider')
SELECT DISTINCT labels ->> 'feature' AS feature FROM series ORDER BY 1
