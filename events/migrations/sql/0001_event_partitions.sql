-- The events table: by tier (each has its own retention), then by week of occurred_at (retention drops whole weeks).
-- Frozen: later changes are later files.

CREATE TABLE events_event (
    id uuid NOT NULL,
    tier text NOT NULL CHECK (tier IN ('immediate', 'daily', 'weekly')),
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    service_id bigint NOT NULL,
    fingerprint_id bigint,
    event_id uuid NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL,
    message text NOT NULL,
    environment text NOT NULL,
    release text NOT NULL,
    endpoint text NOT NULL,
    duration_ms double precision,
    user_hash text NOT NULL,
    session_id text NOT NULL,
    exception jsonb NOT NULL,
    breadcrumbs jsonb NOT NULL,
    tags jsonb NOT NULL,
    data jsonb NOT NULL,
    scrubbed jsonb NOT NULL,
    repaired jsonb NOT NULL,
    PRIMARY KEY (id, tier, occurred_at)
) PARTITION BY LIST (tier);

CREATE TABLE events_event_immediate PARTITION OF events_event FOR VALUES IN ('immediate') PARTITION BY RANGE (occurred_at);
CREATE TABLE events_event_daily PARTITION OF events_event FOR VALUES IN ('daily') PARTITION BY RANGE (occurred_at);
CREATE TABLE events_event_weekly PARTITION OF events_event FOR VALUES IN ('weekly') PARTITION BY RANGE (occurred_at);

-- Ids sort by time, so each of these is also "newest first" of its filter (Event list, Issue page, one user's timeline).
CREATE INDEX events_event_by_issue ON events_event (fingerprint_id, id) WHERE fingerprint_id IS NOT NULL;
CREATE INDEX events_event_by_name ON events_event (name, id);
CREATE INDEX events_event_by_service ON events_event (service_id, id);
CREATE INDEX events_event_by_user ON events_event (user_hash, id) WHERE user_hash <> '';

-- Make the weekly partitions that cover [first, last] for every tier; answers how many were new. Weeks start on Monday, UTC.
CREATE FUNCTION events_make_partitions(first timestamptz, last timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    week timestamp := date_trunc('week', first AT TIME ZONE 'UTC');
    event_tier text;
    partition_name text;
BEGIN
    -- One maker at a time: two at once would both find a week missing.
    PERFORM pg_advisory_xact_lock(hashtext('events_make_partitions'));
    WHILE week <= last AT TIME ZONE 'UTC' LOOP
        FOREACH event_tier IN ARRAY ARRAY['immediate', 'daily', 'weekly'] LOOP
            partition_name := format('events_event_%s_%s', event_tier, to_char(week, 'IYYY"w"IW'));
            IF to_regclass(partition_name) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                    partition_name, 'events_event_' || event_tier,
                    week AT TIME ZONE 'UTC', (week + interval '7 days') AT TIME ZONE 'UTC'
                );
                made := made + 1;
            END IF;
        END LOOP;
        week := week + interval '7 days';
    END LOOP;
    RETURN made;
END $$;

SELECT events_make_partitions(now() - interval '35 days', now() + interval '21 days');
