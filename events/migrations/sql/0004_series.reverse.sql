DROP VIEW events_eventrollup, events_hourrollup, events_dayrollup, events_latencyrollup, events_issuerollup;
DROP TABLE events_fact, events_series, events_usernumber, events_release, events_count_minutes, events_count_hours, events_count_days,
    events_bucket_minutes, events_latency_hours, events_latency_days, events_user_minutes, events_users_hours,
    events_users_days, events_userfailure_minutes, events_issue_hours;
DROP FUNCTION events_series_key(integer, text, text, text, text, text, jsonb), events_histogram(smallint, bigint), events_buckets(numeric);
DROP INDEX events_event_by_arrival;
ALTER TABLE events_event DROP COLUMN labels;

CREATE FUNCTION events_words_key(VARIADIC words text[]) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT md5(array_to_string(words, E'\x1f', E'\x1e'))::uuid $$;
CREATE TABLE events_eventrollup_pending (
    service_id integer NOT NULL, name text NOT NULL, severity text NOT NULL, endpoint text NOT NULL, environment text NOT NULL,
    minute timestamptz NOT NULL, event_count bigint NOT NULL
);
CREATE TABLE events_eventrollup_minutes (
    minute timestamptz NOT NULL, service_id integer NOT NULL, key uuid NOT NULL, name text NOT NULL, severity text NOT NULL,
    endpoint text NOT NULL, environment text NOT NULL, event_count bigint NOT NULL, PRIMARY KEY (minute, service_id, key)
);
CREATE TABLE events_eventrollup_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, key uuid NOT NULL, name text NOT NULL, severity text NOT NULL,
    endpoint text NOT NULL, environment text NOT NULL, event_count bigint NOT NULL, PRIMARY KEY (hour, service_id, key)
);
CREATE TABLE events_eventrollup_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, key uuid NOT NULL, name text NOT NULL, severity text NOT NULL,
    endpoint text NOT NULL, environment text NOT NULL, event_count bigint NOT NULL, PRIMARY KEY (day, service_id, key)
);
CREATE TABLE events_latencyrollup_pending (
    service_id integer NOT NULL, endpoint text NOT NULL, environment text NOT NULL, hour timestamptz NOT NULL,
    bucket smallint NOT NULL, event_count bigint NOT NULL
);
CREATE TABLE events_latencyrollup_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, key uuid NOT NULL, bucket smallint NOT NULL, endpoint text NOT NULL,
    environment text NOT NULL, event_count bigint NOT NULL, PRIMARY KEY (hour, service_id, key, bucket)
);
CREATE TABLE events_useractivity_pending (
    service_id integer NOT NULL, user_hash text NOT NULL, name text NOT NULL, severity text NOT NULL, environment text NOT NULL,
    day timestamptz NOT NULL, event_count bigint NOT NULL
);
CREATE TABLE events_useractivity_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, key uuid NOT NULL, user_hash text NOT NULL, name text NOT NULL,
    severity text NOT NULL, environment text NOT NULL, event_count bigint NOT NULL, PRIMARY KEY (day, service_id, key)
);
CREATE INDEX events_useractivity_by_user ON events_useractivity_days (user_hash, day);
CREATE TABLE events_issuerollup_pending (fingerprint_id bigint NOT NULL, hour timestamptz NOT NULL, event_count bigint NOT NULL);
CREATE TABLE events_issuerollup_hours (
    fingerprint_id bigint NOT NULL, hour timestamptz NOT NULL, event_count bigint NOT NULL, PRIMARY KEY (fingerprint_id, hour)
);

INSERT INTO events_eventrollup_pending
SELECT service_id, name, severity, endpoint, environment, date_trunc('minute', occurred_at), count(*)
FROM events_event GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_latencyrollup_pending
SELECT service_id, endpoint, environment, date_trunc('hour', occurred_at, 'UTC'),
    CASE WHEN duration_ms < 0.01 THEN -1000 ELSE ceil(ln(least(duration_ms, 1e12)) / 0.020000666706669435::float8) END, count(*)
FROM events_event WHERE duration_ms >= 0 GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_useractivity_pending
SELECT service_id, user_hash, name, severity, environment, date_trunc('day', occurred_at, 'UTC'), count(*)
FROM events_event WHERE user_hash <> '' GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_issuerollup_pending
SELECT fingerprint_id, date_trunc('hour', occurred_at, 'UTC'), count(*)
FROM events_event WHERE fingerprint_id IS NOT NULL GROUP BY 1, 2;

CREATE VIEW events_eventrollup AS
SELECT service_id, name, severity, endpoint, environment, minute, event_count FROM events_eventrollup_minutes
UNION ALL SELECT service_id, name, severity, endpoint, environment, minute, event_count FROM events_eventrollup_pending;
CREATE VIEW events_hourrollup AS
SELECT service_id, name, severity, endpoint, environment, hour, event_count FROM events_eventrollup_hours
UNION ALL SELECT service_id, name, severity, endpoint, environment, date_trunc('hour', minute, 'UTC'), event_count
FROM events_eventrollup_pending;
CREATE VIEW events_dayrollup AS
SELECT service_id, name, severity, endpoint, environment, day, event_count FROM events_eventrollup_days
UNION ALL SELECT service_id, name, severity, endpoint, environment, date_trunc('day', minute, 'UTC'), event_count
FROM events_eventrollup_pending;
CREATE VIEW events_latencyrollup AS
SELECT service_id, endpoint, environment, hour, bucket, event_count FROM events_latencyrollup_hours
UNION ALL SELECT service_id, endpoint, environment, hour, bucket, event_count FROM events_latencyrollup_pending;
CREATE VIEW events_useractivity AS
SELECT service_id, user_hash, name, severity, environment, day, event_count FROM events_useractivity_days
UNION ALL SELECT service_id, user_hash, name, severity, environment, day, event_count FROM events_useractivity_pending;
CREATE VIEW events_issuerollup AS
SELECT fingerprint_id, hour, event_count FROM events_issuerollup_hours
UNION ALL SELECT fingerprint_id, hour, event_count FROM events_issuerollup_pending;
