-- Counters by series: the words of a counter (service, name, severity, endpoint, environment, release and the labels of the event's
-- type) stand once in events_series, and folded counters are numbers by series and time. Writers append to one table without any
-- index, events_fact, about a row an event; compaction folds it (events/rollups.py). Frozen: later changes are later files.

DROP VIEW events_eventrollup, events_hourrollup, events_dayrollup, events_latencyrollup, events_useractivity, events_issuerollup;
DROP TABLE events_eventrollup_pending, events_eventrollup_minutes, events_eventrollup_hours, events_eventrollup_days,
    events_latencyrollup_pending, events_latencyrollup_hours, events_useractivity_pending, events_useractivity_days,
    events_issuerollup_pending, events_issuerollup_hours;
DROP FUNCTION events_words_key(text[]);

ALTER TABLE events_event ADD COLUMN labels jsonb NOT NULL DEFAULT '{}';
-- What arrived lately (events/arrivals.py): rows lie in the order of their arrival, so a summary of every 16 pages finds them, and
-- costs writers next to nothing.
CREATE INDEX events_event_by_arrival ON events_event USING brin (stored_at) WITH (pages_per_range = 16, autosummarize = on);

CREATE FUNCTION events_series_key(
    service_id integer, name text, severity text, endpoint text, environment text, release text, labels jsonb
) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT md5(service_id::text || E'\x1f' || name || E'\x1f' || severity || E'\x1f' || endpoint || E'\x1f' || environment
    || E'\x1f' || release || E'\x1f' || labels::text)::uuid $$;

CREATE TABLE events_series (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Of the words: long endpoints would not fit into an index entry.
    key uuid NOT NULL UNIQUE,
    service_id integer NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    endpoint text NOT NULL,
    environment text NOT NULL,
    release text NOT NULL,
    labels jsonb NOT NULL
);
-- Users by number, so that a set of users is a bit string.
CREATE TABLE events_usernumber (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_hash text NOT NULL UNIQUE,
    first_day date NOT NULL,
    last_day date NOT NULL
);
CREATE INDEX events_usernumber_by_first_day ON events_usernumber (first_day);

-- When a release was first and last heard of, in each environment.
CREATE TABLE events_release (
    service_id integer NOT NULL, release text NOT NULL, environment text NOT NULL,
    first_seen_at timestamptz NOT NULL, last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (service_id, release, environment)
);
CREATE INDEX events_release_by_first_seen ON events_release (first_seen_at);

CREATE TABLE events_fact (
    service_id integer NOT NULL,
    name text NOT NULL,
    severity text NOT NULL,
    endpoint text NOT NULL,
    environment text NOT NULL,
    release text NOT NULL,
    labels jsonb NOT NULL,
    minute timestamptz NOT NULL,
    user_hash text NOT NULL,
    -- Of events.latency; null: the event has no duration.
    bucket smallint,
    fingerprint_id bigint,
    event_count bigint NOT NULL,
    -- What the event lasted, or what its data says so (labels.py), in milliseconds; and of how many events that is the sum.
    duration_count bigint NOT NULL,
    duration_ms double precision NOT NULL
);
-- Emptied every few seconds: vacuum soon, so that the table stays as small as what is in it.
ALTER TABLE events_fact SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- How many events, and the sum of their durations.
CREATE TABLE events_count_minutes (
    minute timestamptz NOT NULL, series_id integer NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (minute, series_id)
);
CREATE TABLE events_count_hours (
    hour timestamptz NOT NULL, series_id integer NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (hour, series_id)
);
CREATE TABLE events_count_days (
    day timestamptz NOT NULL, series_id integer NOT NULL,
    event_count bigint NOT NULL, duration_count bigint NOT NULL, duration_ms double precision NOT NULL,
    PRIMARY KEY (day, series_id)
);
-- How long they took, in logarithmic buckets. Of a minute they are few.
CREATE TABLE events_bucket_minutes (
    minute timestamptz NOT NULL, series_id integer NOT NULL, bucket smallint NOT NULL, event_count bigint NOT NULL,
    PRIMARY KEY (minute, series_id, bucket)
);
-- A histogram is one number with 12 decimal digits for each bucket, so that sum() merges histograms and a row holds all buckets of a
-- series. As 10^12 leaves the remainder 1, histogram mod (10^12 - 1) is how many events it holds.
CREATE FUNCTION events_histogram(bucket smallint, event_count bigint) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (event_count::text || 'e' || (CASE WHEN bucket = -1000 THEN 0 ELSE 12 * (bucket + 231) END)::text)::numeric $$;
CREATE FUNCTION events_buckets(histogram numeric) RETURNS TABLE (bucket smallint, event_count bigint)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE ROWS 100 AS $$
DECLARE
    digits bytea := convert_to(histogram::text, 'UTF8');
    size integer := length(digits);
BEGIN
    FOR place IN (size - length(rtrim(digits, '0'::bytea))) / 12 .. (size - 1) / 12 LOOP
        event_count := convert_from(
            substring(digits FROM greatest(size - 12 * place - 11, 1) FOR least(12, size - 12 * place)), 'UTF8')::bigint;
        IF event_count > 0 THEN
            bucket := CASE WHEN place = 0 THEN -1000 ELSE place - 231 END;
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;
CREATE TABLE events_latency_hours (
    hour timestamptz NOT NULL, series_id integer NOT NULL, histogram numeric NOT NULL, PRIMARY KEY (hour, series_id)
);
CREATE TABLE events_latency_days (
    day timestamptz NOT NULL, series_id integer NOT NULL, histogram numeric NOT NULL, PRIMARY KEY (day, series_id)
);
-- Which users.
CREATE TABLE events_user_minutes (
    minute timestamptz NOT NULL, series_id integer NOT NULL, user_id integer NOT NULL, event_count bigint NOT NULL,
    PRIMARY KEY (minute, series_id, user_id)
);
-- Of longer spans a set: bit (number % 16384) of chunk (number / 16384). Sets merge with |, and are counted with bit_count. Most are
-- nearly empty, and PostgreSQL compresses them in place.
CREATE TABLE events_users_hours (
    hour timestamptz NOT NULL, series_id integer NOT NULL, chunk integer NOT NULL, users bit(16384) STORAGE MAIN NOT NULL,
    PRIMARY KEY (hour, series_id, chunk)
);
CREATE TABLE events_users_days (
    day timestamptz NOT NULL, series_id integer NOT NULL, chunk integer NOT NULL, users bit(16384) STORAGE MAIN NOT NULL,
    PRIMARY KEY (day, series_id, chunk)
);
-- Failures of each user, and the requests of theirs that the server could not answer.
CREATE TABLE events_userfailure_minutes (
    minute timestamptz NOT NULL, user_id integer NOT NULL, series_id integer NOT NULL, event_count bigint NOT NULL,
    PRIMARY KEY (minute, user_id, series_id)
);
CREATE INDEX events_userfailure_by_user ON events_userfailure_minutes (user_id, minute);
-- Failures of each fingerprint.
CREATE TABLE events_issue_hours (
    fingerprint_id bigint NOT NULL, hour timestamptz NOT NULL, event_count bigint NOT NULL,
    PRIMARY KEY (fingerprint_id, hour)
);

-- Counters change in place: leave room on the page, so that a change needs no new index entry.
ALTER TABLE events_count_minutes SET (fillfactor = 85);
ALTER TABLE events_count_hours SET (fillfactor = 70);
ALTER TABLE events_count_days SET (fillfactor = 70);
ALTER TABLE events_bucket_minutes SET (fillfactor = 90);
ALTER TABLE events_user_minutes SET (fillfactor = 90);
ALTER TABLE events_latency_hours SET (fillfactor = 70);
ALTER TABLE events_latency_days SET (fillfactor = 70);
ALTER TABLE events_users_hours SET (fillfactor = 70);
ALTER TABLE events_users_days SET (fillfactor = 70);
ALTER TABLE events_userfailure_minutes SET (fillfactor = 85);
ALTER TABLE events_issue_hours SET (fillfactor = 85);

-- Everything that is stored is counted anew, as it would be had it come today; compaction folds it.
INSERT INTO events_fact
SELECT service_id, name, severity, endpoint, environment, release, labels, date_trunc('minute', occurred_at), user_hash,
    CASE WHEN duration_ms >= 0 THEN
        CASE WHEN duration_ms < 0.01 THEN -1000
        ELSE ceil(ln(least(duration_ms, 1e12)) / 0.020000666706669435::float8) END
    END::smallint,
    fingerprint_id, 1, (duration_ms IS NOT NULL)::int, coalesce(duration_ms, 0)
FROM events_event;

-- What readers see: folded and not yet folded, so every committed event. A counter may have several rows.
CREATE VIEW events_eventrollup AS
SELECT service_id, name, severity, endpoint, environment, release, labels, minute, event_count
FROM events_count_minutes JOIN events_series ON events_series.id = series_id
UNION ALL SELECT service_id, name, severity, endpoint, environment, release, labels, minute, event_count FROM events_fact;
CREATE VIEW events_hourrollup AS
SELECT service_id, name, severity, endpoint, environment, release, labels, hour, event_count
FROM events_count_hours JOIN events_series ON events_series.id = series_id
UNION ALL SELECT service_id, name, severity, endpoint, environment, release, labels, date_trunc('hour', minute, 'UTC'), event_count
FROM events_fact;
CREATE VIEW events_dayrollup AS
SELECT service_id, name, severity, endpoint, environment, release, labels, day, event_count
FROM events_count_days JOIN events_series ON events_series.id = series_id
UNION ALL SELECT service_id, name, severity, endpoint, environment, release, labels, date_trunc('day', minute, 'UTC'), event_count
FROM events_fact;
CREATE VIEW events_latencyrollup AS
SELECT service_id, name, endpoint, environment, release, labels, hour, bucket, event_count
FROM events_latency_hours JOIN events_series ON events_series.id = series_id CROSS JOIN LATERAL events_buckets(histogram)
UNION ALL SELECT service_id, name, endpoint, environment, release, labels, date_trunc('hour', minute, 'UTC'), bucket, event_count
FROM events_fact WHERE bucket IS NOT NULL;
CREATE VIEW events_issuerollup AS
SELECT fingerprint_id, hour, event_count FROM events_issue_hours
UNION ALL SELECT fingerprint_id, date_trunc('hour', minute, 'UTC'), event_count FROM events_fact WHERE fingerprint_id IS NOT NULL;
