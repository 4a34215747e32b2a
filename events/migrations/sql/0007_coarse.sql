-- Counters by the few words that most questions ask by: some dozens of rows a day instead of the thousands that there are by series.
-- events_hurtusers_*, events_nameusers_*, events_featureusers_* and events_endpointusers_*: sets of users whom any failure hurt, by
-- name and severity, by the feature that events name, and of requests that failed, by endpoint. events_endpointlatency_*: how long
-- requests took, by endpoint.
-- events_failures_days: how many failures each user met: one number with 12 decimal digits for each of 512 users, so that sum() adds
-- them up, and a month costs the same however many failures it had. As 10^12 leaves the remainder 1, failures mod (10^12 - 1) is how
-- many they were together.
-- Frozen: later changes are later files.

CREATE TABLE events_hurtusers_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL,
    chunk integer NOT NULL, users bit(16384) STORAGE MAIN NOT NULL,
    PRIMARY KEY (hour, service_id, environment, chunk)
);
CREATE TABLE events_hurtusers_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL,
    chunk integer NOT NULL, users bit(16384) STORAGE MAIN NOT NULL,
    PRIMARY KEY (day, service_id, environment, chunk)
);
CREATE TABLE events_nameusers_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, name text NOT NULL,
    chunk integer NOT NULL, users bit(16384) STORAGE MAIN NOT NULL,
    PRIMARY KEY (hour, service_id, environment, severity, name, chunk)
);
CREATE TABLE events_nameusers_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, name text NOT NULL,
    chunk integer NOT NULL, users bit(16384) STORAGE MAIN NOT NULL,
    PRIMARY KEY (day, service_id, environment, severity, name, chunk)
);
CREATE TABLE events_featureusers_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, feature text NOT NULL,
    chunk integer NOT NULL, users bit(16384) STORAGE MAIN NOT NULL,
    PRIMARY KEY (hour, service_id, environment, severity, feature, chunk)
);
CREATE TABLE events_featureusers_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, severity text NOT NULL, feature text NOT NULL,
    chunk integer NOT NULL, users bit(16384) STORAGE MAIN NOT NULL,
    PRIMARY KEY (day, service_id, environment, severity, feature, chunk)
);
CREATE TABLE events_endpointusers_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, endpoint text NOT NULL, chunk integer NOT NULL,
    users bit(16384) STORAGE MAIN NOT NULL, PRIMARY KEY (hour, service_id, environment, endpoint, chunk)
);
CREATE TABLE events_endpointusers_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, endpoint text NOT NULL, chunk integer NOT NULL,
    users bit(16384) STORAGE MAIN NOT NULL, PRIMARY KEY (day, service_id, environment, endpoint, chunk)
);
CREATE TABLE events_endpointlatency_hours (
    hour timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, endpoint text NOT NULL,
    histogram numeric NOT NULL, PRIMARY KEY (hour, service_id, environment, endpoint)
);
CREATE TABLE events_endpointlatency_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, endpoint text NOT NULL,
    histogram numeric NOT NULL, PRIMARY KEY (day, service_id, environment, endpoint)
);
CREATE FUNCTION events_failures_of(user_id integer, failures bigint) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (failures::text || 'e' || (12 * mod(user_id, 512))::text)::numeric $$;
-- The set of users with these places in a chunk: much quicker than bit_or() of a set for each of them.
CREATE FUNCTION events_set_of_users(places integer[]) RETURNS bit(16384) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    users bit(16384) := repeat('0', 16384)::bit(16384);
    place integer;
BEGIN
    FOREACH place IN ARRAY places LOOP
        users := set_bit(users, place, 1);
    END LOOP;
    RETURN users;
END $$;
-- How many events a histogram holds, and the buckets of their percentiles: the first bucket with which that part of them is reached.
CREATE FUNCTION events_percentiles(histogram numeric, OUT samples bigint, OUT p50 smallint, OUT p95 smallint, OUT p99 smallint)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    digits bytea := convert_to(histogram::text, 'UTF8');
    size integer := length(digits);
    up_to bigint := 0;
    count_of_place bigint;
BEGIN
    samples := coalesce(mod(histogram, 999999999999), 0);
    IF samples = 0 THEN
        RETURN;
    END IF;
    FOR place IN (size - length(rtrim(digits, '0'::bytea))) / 12 .. (size - 1) / 12 LOOP
        count_of_place := convert_from(
            substring(digits FROM greatest(size - 12 * place - 11, 1) FOR least(12, size - 12 * place)), 'UTF8')::bigint;
        IF count_of_place > 0 THEN
            up_to := up_to + count_of_place;
            IF p50 IS NULL AND up_to >= ceil(0.50 * samples) THEN
                p50 := CASE WHEN place = 0 THEN -1000 ELSE place - 231 END;
            END IF;
            IF p95 IS NULL AND up_to >= ceil(0.95 * samples) THEN
                p95 := CASE WHEN place = 0 THEN -1000 ELSE place - 231 END;
            END IF;
            IF up_to >= ceil(0.99 * samples) THEN
                p99 := CASE WHEN place = 0 THEN -1000 ELSE place - 231 END;
                RETURN;
            END IF;
        END IF;
    END LOOP;
END $$;
CREATE TABLE events_failures_days (
    day timestamptz NOT NULL, service_id integer NOT NULL, environment text NOT NULL, chunk integer NOT NULL,
    failures numeric NOT NULL, PRIMARY KEY (day, service_id, environment, chunk)
);
-- What one user met is read from the index alone.
DROP INDEX events_userfailure_by_user;
CREATE INDEX events_userfailure_by_user ON events_userfailure_minutes (user_id, minute) INCLUDE (series_id, event_count);
-- They change in place: leave room on the page.
ALTER TABLE events_hurtusers_hours SET (fillfactor = 70);
ALTER TABLE events_nameusers_hours SET (fillfactor = 70);
ALTER TABLE events_featureusers_hours SET (fillfactor = 70);
ALTER TABLE events_hurtusers_days SET (fillfactor = 70);
ALTER TABLE events_nameusers_days SET (fillfactor = 70);
ALTER TABLE events_featureusers_days SET (fillfactor = 70);
ALTER TABLE events_endpointusers_hours SET (fillfactor = 70);
ALTER TABLE events_endpointusers_days SET (fillfactor = 70);
ALTER TABLE events_endpointlatency_hours SET (fillfactor = 70);
ALTER TABLE events_endpointlatency_days SET (fillfactor = 70);
ALTER TABLE events_failures_days SET (fillfactor = 70);

INSERT INTO events_hurtusers_hours
SELECT hour, service_id, environment, chunk, bit_or(users)
FROM events_users_hours JOIN events_series ON events_series.id = series_id
WHERE severity IN ('critical', 'error', 'warning') GROUP BY 1, 2, 3, 4;
INSERT INTO events_nameusers_hours
SELECT hour, service_id, environment, severity, name, chunk, bit_or(users)
FROM events_users_hours JOIN events_series ON events_series.id = series_id GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_featureusers_hours
SELECT hour, service_id, environment, severity, coalesce(labels ->> 'feature', ''), chunk, bit_or(users)
FROM events_users_hours JOIN events_series ON events_series.id = series_id
WHERE labels ? 'feature' GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_hurtusers_days
SELECT day, service_id, environment, chunk, bit_or(users)
FROM events_users_days JOIN events_series ON events_series.id = series_id
WHERE severity IN ('critical', 'error', 'warning') GROUP BY 1, 2, 3, 4;
INSERT INTO events_nameusers_days
SELECT day, service_id, environment, severity, name, chunk, bit_or(users)
FROM events_users_days JOIN events_series ON events_series.id = series_id GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_featureusers_days
SELECT day, service_id, environment, severity, coalesce(labels ->> 'feature', ''), chunk, bit_or(users)
FROM events_users_days JOIN events_series ON events_series.id = series_id
WHERE labels ? 'feature' GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO events_endpointusers_hours
SELECT hour, service_id, environment, endpoint, chunk, bit_or(users)
FROM events_users_hours JOIN events_series ON events_series.id = series_id
WHERE endpoint <> '' AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_endpointusers_days
SELECT day, service_id, environment, endpoint, chunk, bit_or(users)
FROM events_users_days JOIN events_series ON events_series.id = series_id
WHERE endpoint <> '' AND CASE WHEN name = 'api_response_time' THEN labels ->> 'status' = '5xx' ELSE severity IN ('critical', 'error') END
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO events_endpointlatency_hours
SELECT hour, service_id, environment, endpoint, sum(histogram)
FROM events_latency_hours JOIN events_series ON events_series.id = series_id
WHERE endpoint <> '' AND name = 'api_response_time' GROUP BY 1, 2, 3, 4;
INSERT INTO events_endpointlatency_days
SELECT day, service_id, environment, endpoint, sum(histogram)
FROM events_latency_days JOIN events_series ON events_series.id = series_id
WHERE endpoint <> '' AND name = 'api_response_time' GROUP BY 1, 2, 3, 4;
INSERT INTO events_failures_days
SELECT date_trunc('day', minute, 'UTC'), service_id, environment, user_id / 512, sum(events_failures_of(user_id, event_count))
FROM events_userfailure_minutes JOIN events_series ON events_series.id = series_id
WHERE severity IN ('critical', 'error', 'warning') GROUP BY 1, 2, 3, 4;
