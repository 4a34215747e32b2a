-- Counts: what a batch adds is appended to a table without any index (`…_pending`), so that writers never wait for one another
-- and a counter costs little more than its bytes; compaction folds it into indexed tables (`…_minutes`, `…_hours`, `…_days`).
-- The views show both, so every reader sees every committed event. `key` is a digest of the words of a row: long endpoints
-- would not fit into an index entry. Frozen: later changes are later files.

CREATE FUNCTION events_words_key(VARIADIC words text[]) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT md5(array_to_string(words, E'\x1f', E'\x1e'))::uuid $$;

-- By service, name, severity, endpoint and environment.
CREATE TABLE events_eventrollup_pending (
    service_id integer NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    endpoint text NOT NULL,
    environment text NOT NULL,
    minute timestamptz NOT NULL,
    event_count bigint NOT NULL
);
CREATE TABLE events_eventrollup_minutes (
    minute timestamptz NOT NULL,
    service_id integer NOT NULL,
    key uuid NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    endpoint text NOT NULL,
    environment text NOT NULL,
    event_count bigint NOT NULL,
    PRIMARY KEY (minute, service_id, key)
);
CREATE TABLE events_eventrollup_hours (
    hour timestamptz NOT NULL,
    service_id integer NOT NULL,
    key uuid NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    endpoint text NOT NULL,
    environment text NOT NULL,
    event_count bigint NOT NULL,
    PRIMARY KEY (hour, service_id, key)
);
CREATE TABLE events_eventrollup_days (
    day timestamptz NOT NULL,
    service_id integer NOT NULL,
    key uuid NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    endpoint text NOT NULL,
    environment text NOT NULL,
    event_count bigint NOT NULL,
    PRIMARY KEY (day, service_id, key)
);

-- Latency: by service, endpoint and environment, in logarithmic buckets (events/latency.py).
CREATE TABLE events_latencyrollup_pending (
    service_id integer NOT NULL,
    endpoint text NOT NULL,
    environment text NOT NULL,
    hour timestamptz NOT NULL,
    bucket smallint NOT NULL,
    event_count bigint NOT NULL
);
CREATE TABLE events_latencyrollup_hours (
    hour timestamptz NOT NULL,
    service_id integer NOT NULL,
    key uuid NOT NULL,
    bucket smallint NOT NULL,
    endpoint text NOT NULL,
    environment text NOT NULL,
    event_count bigint NOT NULL,
    PRIMARY KEY (hour, service_id, key, bucket)
);

-- Activity: by service, user, name, severity and environment.
CREATE TABLE events_useractivity_pending (
    service_id integer NOT NULL,
    user_hash text NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    environment text NOT NULL,
    day timestamptz NOT NULL,
    event_count bigint NOT NULL
);
CREATE TABLE events_useractivity_days (
    day timestamptz NOT NULL,
    service_id integer NOT NULL,
    key uuid NOT NULL,
    user_hash text NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    environment text NOT NULL,
    event_count bigint NOT NULL,
    PRIMARY KEY (day, service_id, key)
);
-- One user's timeline, and forgetting one.
CREATE INDEX events_useractivity_by_user ON events_useractivity_days (user_hash, day);

-- Issues: by fingerprint.
CREATE TABLE events_issuerollup_pending (
    fingerprint_id bigint NOT NULL,
    hour timestamptz NOT NULL,
    event_count bigint NOT NULL
);
CREATE TABLE events_issuerollup_hours (
    fingerprint_id bigint NOT NULL,
    hour timestamptz NOT NULL,
    event_count bigint NOT NULL,
    PRIMARY KEY (fingerprint_id, hour)
);

-- Emptied every few seconds: vacuum soon, so that the tables stay as small as what is in them.
ALTER TABLE events_eventrollup_pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE events_latencyrollup_pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE events_useractivity_pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
ALTER TABLE events_issuerollup_pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
-- Counters change in place: leave room on the page, so that a change needs no new index entry.
ALTER TABLE events_eventrollup_minutes SET (fillfactor = 85);
ALTER TABLE events_eventrollup_hours SET (fillfactor = 70);
ALTER TABLE events_eventrollup_days SET (fillfactor = 70);
ALTER TABLE events_latencyrollup_hours SET (fillfactor = 70);
ALTER TABLE events_useractivity_days SET (fillfactor = 85);
ALTER TABLE events_issuerollup_hours SET (fillfactor = 85);

-- What was counted before; compaction folds it.
INSERT INTO events_eventrollup_pending SELECT service_id, name, severity, endpoint, environment, minute, event_count
FROM events_eventrollup;
INSERT INTO events_issuerollup_pending SELECT fingerprint_id, hour, event_count FROM events_issuerollup;
INSERT INTO events_useractivity_pending
SELECT service_id, user_hash, name, severity, environment, date_trunc('day', occurred_at, 'UTC'), count(*)
FROM events_event WHERE user_hash <> '' GROUP BY 1, 2, 3, 4, 5, 6;
DROP TABLE events_eventrollup;
DROP TABLE events_issuerollup;

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
