-- What staff may ask about in SQL (dashboards/queries/): views of their own schema, without keys, accounts and stacks. They are owned
-- by the application's role, so who asks needs no right on any table. The comments are the documentation that the page shows.
-- Frozen: later changes are later files.

CREATE SCHEMA liftmon_views;

-- A number of milliseconds or seconds as people's queries cast it to int: rounded, and null where it is no such number.
CREATE FUNCTION liftmon_views.whole_number(value jsonb) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN jsonb_typeof(value) = 'number' OR jsonb_typeof(value) = 'string' AND value #>> '{}' ~ '^\s*\+?[0-9]{1,15}(\.[0-9]{0,15})?\s*$'
    THEN CASE WHEN (value #>> '{}')::numeric >= 0 THEN least(round((value #>> '{}')::numeric), 2147483647)::integer END
END $$;

-- The part of data_as_sent for events whose data is not as it was sent.
CREATE FUNCTION liftmon_views.mended_data(data jsonb, message text, endpoint text, duration_ms double precision)
RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT CASE
        WHEN message = '' OR data ?| ARRAY['message', 'error', 'reason'] THEN '{}'
        ELSE jsonb_build_object('message', message)
    END
    || data
    || CASE WHEN endpoint = '' THEN '{}' ELSE jsonb_build_object('endpoint', endpoint) END
    -- Without a word in the data, what it lasted was sent beside it, by either name.
    || CASE
        WHEN data ? 'duration_ms' OR duration_ms IS NOT NULL AND NOT data ?| ARRAY['response_time_ms', 'duration_seconds']
        THEN jsonb_build_object('duration_ms',
            coalesce(liftmon_views.whole_number(data -> 'duration_ms'), liftmon_views.whole_number(to_jsonb(duration_ms))))
        ELSE '{}'
    END
    || CASE
        WHEN data ? 'response_time_ms' OR duration_ms IS NOT NULL AND NOT data ?| ARRAY['duration_ms', 'duration_seconds']
        THEN jsonb_build_object('response_time_ms',
            coalesce(liftmon_views.whole_number(data -> 'response_time_ms'), liftmon_views.whole_number(to_jsonb(duration_ms))))
        ELSE '{}'
    END
    || CASE
        WHEN data ? 'duration_seconds'
        THEN jsonb_build_object('duration_seconds', liftmon_views.whole_number(data -> 'duration_seconds'))
        ELSE '{}'
    END $$;

-- An event's data as people's queries expect it: endpoint, message and durations that were sent beside the data are put into it, the
-- endpoint is the path alone, and durations are whole numbers. Nearly every event's data is so already, and then it is not built
-- anew: this is evaluated wherever a query says data, and PostgreSQL writes it into the query.
CREATE FUNCTION liftmon_views.data_as_sent(data jsonb, message text, endpoint text, duration_ms double precision)
RETURNS jsonb LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN (endpoint = '' OR data ->> 'endpoint' = endpoint)
        AND (message = '' OR data ?| ARRAY['message', 'error', 'reason'])
        AND CASE
            WHEN duration_ms IS NULL THEN NOT data ?| ARRAY['duration_ms', 'response_time_ms', 'duration_seconds']
            WHEN duration_ms > 2147483647 OR duration_ms <> floor(duration_ms) THEN false
            WHEN data ? 'duration_ms'
            THEN data ->> 'duration_ms' = duration_ms::text AND NOT data ?| ARRAY['response_time_ms', 'duration_seconds']
            WHEN data ? 'response_time_ms'
            THEN data ->> 'response_time_ms' = duration_ms::text AND NOT data ? 'duration_seconds'
            ELSE data ->> 'duration_seconds' = (duration_ms / 1000)::text AND data ->> 'duration_seconds' NOT LIKE '%.%'
        END
    THEN data
    ELSE liftmon_views.mended_data(data, message, endpoint, duration_ms)
END $$;

CREATE VIEW liftmon_views.analytics_logs AS
SELECT name AS event, severity,
    liftmon_views.data_as_sent(data, message, endpoint, duration_ms) AS data,
    nullif(user_hash, '') AS user_id, occurred_at AS "timestamp"
FROM events_event;

CREATE VIEW liftmon_views.events AS
SELECT event.id, event.occurred_at AS "timestamp", event.received_at, service.slug AS service, event.name AS event, event.kind,
    event.severity, event.message, event.environment, event.release, event.endpoint, event.duration_ms,
    nullif(event.user_hash, '') AS user_id, nullif(event.session_id, '') AS session_id, fingerprint.issue_id, event.tags,
    liftmon_views.data_as_sent(event.data, event.message, event.endpoint, event.duration_ms) AS data
FROM events_event AS event
LEFT JOIN events_service AS service ON service.id = event.service_id
LEFT JOIN events_issuefingerprint AS fingerprint ON fingerprint.id = event.fingerprint_id;

CREATE VIEW liftmon_views.counts_by_minute AS
SELECT rollup.minute, service.slug AS service, rollup.name AS event, rollup.severity, rollup.endpoint, rollup.environment,
    rollup.release, rollup.labels, rollup.event_count
FROM events_eventrollup AS rollup LEFT JOIN events_service AS service ON service.id = rollup.service_id;

CREATE VIEW liftmon_views.counts_by_hour AS
SELECT rollup.hour, service.slug AS service, rollup.name AS event, rollup.severity, rollup.endpoint, rollup.environment,
    rollup.release, rollup.labels, rollup.event_count
FROM events_hourrollup AS rollup LEFT JOIN events_service AS service ON service.id = rollup.service_id;

CREATE VIEW liftmon_views.counts_by_day AS
SELECT rollup.day, service.slug AS service, rollup.name AS event, rollup.severity, rollup.endpoint, rollup.environment,
    rollup.release, rollup.labels, rollup.event_count
FROM events_dayrollup AS rollup LEFT JOIN events_service AS service ON service.id = rollup.service_id;

CREATE VIEW liftmon_views.latency_by_hour AS
SELECT rollup.hour, service.slug AS service, rollup.name AS event, rollup.endpoint, rollup.environment, rollup.release,
    -- The value that a bucket of events/latency.py stands for.
    CASE WHEN rollup.bucket = -1000 THEN 0 ELSE 2 * exp(rollup.bucket * 0.020000666706669435::float8) / (1.01 / 0.99 + 1) END
        AS duration_ms,
    rollup.event_count
FROM events_latencyrollup AS rollup LEFT JOIN events_service AS service ON service.id = rollup.service_id;

CREATE VIEW liftmon_views.user_failures_by_day AS
SELECT date_trunc('day', failures.minute, 'UTC') AS day, usernumber.user_hash AS user_id, service.slug AS service, series.name AS event, series.severity,
    series.endpoint, series.environment, series.release, series.labels,
    sum(failures.event_count)::bigint AS failure_count
FROM events_userfailure_minutes AS failures
JOIN events_usernumber AS usernumber ON usernumber.id = failures.user_id
JOIN events_series AS series ON series.id = failures.series_id
LEFT JOIN events_service AS service ON service.id = series.service_id
-- Not the requests that the server could not answer: those are no failures by their severity.
WHERE series.severity IN ('critical', 'error', 'warning')
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;

CREATE VIEW liftmon_views.users AS
SELECT user_hash AS user_id, first_day, last_day FROM events_usernumber;

CREATE VIEW liftmon_views.issues AS
SELECT issue.id, service.slug AS service, issue.title, issue.culprit, issue.name AS event, issue.tier, issue.severity, issue.status,
    issue.is_regressed, issue.first_seen_at, issue.last_seen_at, issue.resolved_at, issue.event_count, issue.user_count
FROM events_issue AS issue LEFT JOIN events_service AS service ON service.id = issue.service_id
WHERE issue.merged_into_id IS NULL;

CREATE VIEW liftmon_views.services AS
SELECT slug AS service, name, created_at, first_event_at, last_event_at FROM events_service;

CREATE VIEW liftmon_views.releases AS
SELECT service.slug AS service, release.release, release.environment, release.first_seen_at, release.last_seen_at
FROM events_release AS release LEFT JOIN events_service AS service ON service.id = release.service_id;

CREATE VIEW liftmon_views.event_types AS
SELECT name AS event, description, kind, default_severity, tier, question FROM events_eventtype;

COMMENT ON VIEW liftmon_views.analytics_logs IS 'Every event, as the tracking guide''s own queries read them.';
COMMENT ON COLUMN liftmon_views.analytics_logs.event IS 'The name, such as api_timeout.';
COMMENT ON COLUMN liftmon_views.analytics_logs.severity IS 'critical, error, warning, info or debug.';
COMMENT ON COLUMN liftmon_views.analytics_logs.data IS 'What was sent: data->>''feature'', (data->>''duration_ms'')::int. Durations are rounded.';
COMMENT ON COLUMN liftmon_views.analytics_logs.user_id IS 'Who it happened to, as a keyed hash; null when nobody was named.';
COMMENT ON COLUMN liftmon_views.analytics_logs."timestamp" IS 'When it occurred.';

COMMENT ON VIEW liftmon_views.events IS 'Every event with its service, release, environment and issue.';
COMMENT ON COLUMN liftmon_views.events."timestamp" IS 'When it occurred.';
COMMENT ON COLUMN liftmon_views.events.received_at IS 'When it arrived.';
COMMENT ON COLUMN liftmon_views.events.service IS 'The short name of the service that sent it.';
COMMENT ON COLUMN liftmon_views.events.event IS 'The name, such as api_timeout.';
COMMENT ON COLUMN liftmon_views.events.kind IS 'error, log, metric, track, transaction, check-in or feedback.';
COMMENT ON COLUMN liftmon_views.events.severity IS 'critical, error, warning, info or debug.';
COMMENT ON COLUMN liftmon_views.events.endpoint IS 'The path, without its query; empty when none was named.';
COMMENT ON COLUMN liftmon_views.events.duration_ms IS 'What it lasted in milliseconds.';
COMMENT ON COLUMN liftmon_views.events.user_id IS 'A keyed hash; null when nobody was named.';
COMMENT ON COLUMN liftmon_views.events.issue_id IS 'The id in issues; null when it is no failure.';
COMMENT ON COLUMN liftmon_views.events.data IS 'What was sent, as in analytics_logs.';

COMMENT ON VIEW liftmon_views.counts_by_minute IS 'How many events, by minute: quick where events are slow. Sum event_count; a count may have several rows.';
COMMENT ON VIEW liftmon_views.counts_by_hour IS 'How many events, by hour: quick where events are slow. Sum event_count; a count may have several rows.';
COMMENT ON VIEW liftmon_views.counts_by_day IS 'How many events, by day (UTC): quick where events are slow. Sum event_count; a count may have several rows.';
COMMENT ON COLUMN liftmon_views.counts_by_minute.labels IS 'labels->>''feature'', labels->>''ai_provider'' and what else the catalogue counts the event by.';
COMMENT ON COLUMN liftmon_views.counts_by_hour.labels IS 'labels->>''feature'', labels->>''ai_provider'' and what else the catalogue counts the event by.';
COMMENT ON COLUMN liftmon_views.counts_by_day.labels IS 'labels->>''feature'', labels->>''ai_provider'' and what else the catalogue counts the event by.';

COMMENT ON VIEW liftmon_views.latency_by_hour IS 'How many events took about as long, by hour.';
COMMENT ON COLUMN liftmon_views.latency_by_hour.duration_ms IS 'In milliseconds, at most 1 % off.';

COMMENT ON VIEW liftmon_views.user_failures_by_day IS 'Failures of each user, by day (UTC); a few seconds old.';
COMMENT ON COLUMN liftmon_views.user_failures_by_day.user_id IS 'A keyed hash.';

COMMENT ON VIEW liftmon_views.users IS 'Every user that was heard of; a few seconds old.';
COMMENT ON COLUMN liftmon_views.users.user_id IS 'A keyed hash.';
COMMENT ON COLUMN liftmon_views.users.first_day IS 'The first day (UTC) on which the user was seen.';

COMMENT ON VIEW liftmon_views.issues IS 'Failures with one cause, merged ones left out.';
COMMENT ON COLUMN liftmon_views.issues.event IS 'The name of the newest event.';
COMMENT ON COLUMN liftmon_views.issues.tier IS 'immediate, daily or weekly.';
COMMENT ON COLUMN liftmon_views.issues.severity IS 'The worst seen.';
COMMENT ON COLUMN liftmon_views.issues.status IS 'unresolved, resolved or muted.';
COMMENT ON COLUMN liftmon_views.issues.user_count IS 'Users hurt.';

COMMENT ON VIEW liftmon_views.services IS 'What sends events.';
COMMENT ON COLUMN liftmon_views.services.service IS 'The short name.';

COMMENT ON VIEW liftmon_views.releases IS 'When a release was first and last heard of, by environment.';

COMMENT ON VIEW liftmon_views.event_types IS 'The catalogue of event names.';
COMMENT ON COLUMN liftmon_views.event_types.question IS 'What its review must answer.';
