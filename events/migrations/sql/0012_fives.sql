-- What few words count, by finer grains than the hour: a window of an hour has nearly as many rows by minute and series as events.
-- events_namecounts_minutes, events_featurecounts_minutes, events_trialcounts_minutes: counts, of which a minute has a dozen.
-- events_*_fives: sets of users and histograms by five minutes (``five`` is when they began); by the minute they would be too many.
-- Kept as long as minutes are: eight days.
-- events_hurtanywhere_*, events_failuresanywhere_days: events_hurtusers_* and events_failures_days of all services together.
-- Frozen: later changes are later files.

CREATE TABLE events_people_fives (
    five timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL,
    chunk integer NOT NULL, users bit(32768) STORAGE MAIN NOT NULL,
    PRIMARY KEY (five, service_id, environment, severity, chunk)
) WITH (fillfactor = 70);
CREATE TABLE events_hurtusers_fives (
    five timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL,
    chunk integer NOT NULL, users bit(32768) STORAGE MAIN NOT NULL,
    PRIMARY KEY (five, service_id, environment, chunk)
) WITH (fillfactor = 70);
CREATE TABLE events_hurtanywhere_fives (
    five timestamptz NOT NULL, environment text NOT NULL, chunk integer NOT NULL, users bit(32768) STORAGE MAIN NOT NULL,
    PRIMARY KEY (five, environment, chunk)
) WITH (fillfactor = 70);
CREATE TABLE events_hurtanywhere_hours (
    hour timestamptz NOT NULL, environment text NOT NULL, chunk integer NOT NULL, users bit(32768) STORAGE MAIN NOT NULL,
    PRIMARY KEY (hour, environment, chunk)
) WITH (fillfactor = 70);
CREATE TABLE events_hurtanywhere_days (
    day timestamptz NOT NULL, environment text NOT NULL, chunk integer NOT NULL, users bit(32768) STORAGE MAIN NOT NULL,
    PRIMARY KEY (day, environment, chunk)
) WITH (fillfactor = 70);
CREATE TABLE events_failuresanywhere_days (
    day timestamptz NOT NULL, environment text NOT NULL, chunk integer NOT NULL, failures numeric NOT NULL,
    PRIMARY KEY (day, environment, chunk)
) WITH (fillfactor = 70);
CREATE TABLE events_nameusers_fives (
    five timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, name text NOT NULL,
    chunk integer NOT NULL, users bit(32768) STORAGE MAIN NOT NULL,
    PRIMARY KEY (five, service_id, environment, severity, name, chunk)
) WITH (fillfactor = 70);
CREATE TABLE events_featureusers_fives (
    five timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, feature text NOT NULL,
    chunk integer NOT NULL, users bit(32768) STORAGE MAIN NOT NULL,
    PRIMARY KEY (five, service_id, environment, severity, feature, chunk)
) WITH (fillfactor = 70);
CREATE TABLE events_endpointusers_fives (
    five timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, endpoint text NOT NULL,
    chunk integer NOT NULL, users bit(32768) STORAGE MAIN NOT NULL,
    PRIMARY KEY (five, service_id, environment, endpoint, chunk)
) WITH (fillfactor = 70);
CREATE TABLE events_endpointlatency_fives (
    five timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, endpoint text NOT NULL,
    histogram numeric NOT NULL,
    PRIMARY KEY (five, service_id, environment, endpoint)
) WITH (fillfactor = 70);
CREATE TABLE events_namecounts_minutes (
    minute timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, name text NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (minute, service_id, environment, severity, name)
) WITH (fillfactor = 70);
CREATE TABLE events_featurecounts_minutes (
    minute timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, feature text NOT NULL,
    is_use boolean NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (minute, service_id, environment, severity, feature, is_use)
) WITH (fillfactor = 70);
CREATE TABLE events_trialcounts_minutes (
    minute timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, trial_type text NOT NULL,
    has_converted boolean NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (minute, service_id, environment, trial_type, has_converted)
) WITH (fillfactor = 70);

-- Of the minutes that are kept, by series first.
CREATE TEMPORARY TABLE users_fives AS
SELECT date_bin('5 minutes', minute, '2000-01-01 00:00+00') AS five, series_id, user_id / 32768 AS chunk,
    events_set_of_users(array_agg(mod(user_id, 32768))) AS users
FROM events_user_minutes GROUP BY 1, 2, 3;
INSERT INTO events_people_fives
SELECT five, service_id, environment, severity, chunk, bit_or(users)
FROM users_fives JOIN events_series ON events_series.id = series_id
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_hurtusers_fives
SELECT five, service_id, environment, chunk, bit_or(users)
FROM users_fives JOIN events_series ON events_series.id = series_id
WHERE severity IN ('critical', 'error', 'warning') GROUP BY 1, 2, 3, 4;
INSERT INTO events_nameusers_fives
SELECT five, service_id, environment, severity, name, chunk, bit_or(users)
FROM users_fives JOIN events_series ON events_series.id = series_id
GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_featureusers_fives
SELECT five, service_id, environment, severity, coalesce(labels ->> 'feature', ''), chunk, bit_or(users)
FROM users_fives JOIN events_series ON events_series.id = series_id
WHERE labels ? 'feature' GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_endpointusers_fives
SELECT five, service_id, environment, endpoint, chunk, bit_or(users)
FROM users_fives JOIN events_series ON events_series.id = series_id
WHERE endpoint <> '' AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_endpointlatency_fives
SELECT date_bin('5 minutes', minute, '2000-01-01 00:00+00'), service_id, environment, endpoint,
    sum(events_histogram(bucket, event_count))
FROM events_bucket_minutes JOIN events_series ON events_series.id = series_id
WHERE endpoint <> '' AND name = 'api_response_time' GROUP BY 1, 2, 3, 4;
INSERT INTO events_namecounts_minutes
SELECT minute, service_id, environment, severity, name,
    sum(event_count), sum(duration_count), sum(duration_ms)
FROM events_count_minutes JOIN events_series ON events_series.id = series_id
WHERE minute >= now() - interval '8 days' GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_featurecounts_minutes
SELECT minute, service_id, environment, severity, coalesce(labels ->> 'feature', ''), name = 'feature_used',
    sum(event_count), sum(duration_count), sum(duration_ms)
FROM events_count_minutes JOIN events_series ON events_series.id = series_id
WHERE minute >= now() - interval '8 days' AND (labels ? 'feature' OR name = 'feature_used') GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_trialcounts_minutes
SELECT minute, service_id, environment, coalesce(labels ->> 'trial_type', ''), coalesce(labels ->> 'converted' = 'true', false),
    sum(event_count), sum(duration_count), sum(duration_ms)
FROM events_count_minutes JOIN events_series ON events_series.id = series_id
WHERE minute >= now() - interval '8 days' AND name = 'trial_conversion' GROUP BY 1, 2, 3, 4, 5;
DROP TABLE users_fives;
INSERT INTO events_hurtanywhere_fives
SELECT five, environment, chunk, bit_or(users) FROM events_hurtusers_fives GROUP BY 1, 2, 3;
INSERT INTO events_hurtanywhere_hours
SELECT hour, environment, chunk, bit_or(users) FROM events_hurtusers_hours GROUP BY 1, 2, 3;
INSERT INTO events_hurtanywhere_days
SELECT day, environment, chunk, bit_or(users) FROM events_hurtusers_days GROUP BY 1, 2, 3;
INSERT INTO events_failuresanywhere_days
SELECT day, environment, chunk, sum(failures) FROM events_failures_days GROUP BY 1, 2, 3;
