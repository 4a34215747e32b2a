-- Counts by few words, which most questions ask for: some dozens of rows an hour instead of hundreds by series.
-- events_namecounts_*: by name and severity. events_featurecounts_*: by the feature that events name, and of all uses of features.
-- events_trialcounts_*: trials that ended, by type and outcome.
-- Frozen: later changes are later files.

CREATE TABLE events_namecounts_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, name text NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (hour, service_id, environment, severity, name)
) WITH (fillfactor = 70);
CREATE TABLE events_namecounts_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, name text NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (day, service_id, environment, severity, name)
) WITH (fillfactor = 70);
CREATE TABLE events_featurecounts_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, feature text NOT NULL, is_use boolean NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (hour, service_id, environment, severity, feature, is_use)
) WITH (fillfactor = 70);
CREATE TABLE events_featurecounts_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, feature text NOT NULL, is_use boolean NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (day, service_id, environment, severity, feature, is_use)
) WITH (fillfactor = 70);
CREATE TABLE events_trialcounts_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, trial_type text NOT NULL, has_converted boolean NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (hour, service_id, environment, trial_type, has_converted)
) WITH (fillfactor = 70);
CREATE TABLE events_trialcounts_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, trial_type text NOT NULL, has_converted boolean NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (day, service_id, environment, trial_type, has_converted)
) WITH (fillfactor = 70);
INSERT INTO events_namecounts_hours
SELECT hour, service_id, environment, severity, name,
    sum(event_count), sum(duration_count), sum(duration_ms)
FROM events_count_hours JOIN events_series ON events_series.id = series_id WHERE true GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_namecounts_days
SELECT day, service_id, environment, severity, name,
    sum(event_count), sum(duration_count), sum(duration_ms)
FROM events_count_days JOIN events_series ON events_series.id = series_id WHERE true GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_featurecounts_hours
SELECT hour, service_id, environment, severity, coalesce(labels ->> 'feature', ''), name = 'feature_used',
    sum(event_count), sum(duration_count), sum(duration_ms)
FROM events_count_hours JOIN events_series ON events_series.id = series_id WHERE labels ? 'feature' OR name = 'feature_used' GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_featurecounts_days
SELECT day, service_id, environment, severity, coalesce(labels ->> 'feature', ''), name = 'feature_used',
    sum(event_count), sum(duration_count), sum(duration_ms)
FROM events_count_days JOIN events_series ON events_series.id = series_id WHERE labels ? 'feature' OR name = 'feature_used' GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_trialcounts_hours
SELECT hour, service_id, environment, coalesce(labels ->> 'trial_type', ''), coalesce(labels ->> 'converted' = 'true', false),
    sum(event_count), sum(duration_count), sum(duration_ms)
FROM events_count_hours JOIN events_series ON events_series.id = series_id WHERE name = 'trial_conversion' GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_trialcounts_days
SELECT day, service_id, environment, coalesce(labels ->> 'trial_type', ''), coalesce(labels ->> 'converted' = 'true', false),
    sum(event_count), sum(duration_count), sum(duration_ms)
FROM events_count_days JOIN events_series ON events_series.id = series_id WHERE name = 'trial_conversion' GROUP BY 1, 2, 3, 4, 5;
