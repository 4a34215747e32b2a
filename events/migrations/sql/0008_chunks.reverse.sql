-- Sets of users by 16,384 again.

DROP FUNCTION events_set_of_users(integer[]);
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
DO $$
DECLARE
    one text;
    words text;
BEGIN
    FOREACH one IN ARRAY ARRAY[
        'events_users_hours', 'events_users_days', 'events_people_hours', 'events_people_days',
        'events_hurtusers_hours', 'events_hurtusers_days', 'events_nameusers_hours', 'events_nameusers_days',
        'events_featureusers_hours', 'events_featureusers_days', 'events_endpointusers_hours', 'events_endpointusers_days'
    ] LOOP
        words := (
            SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute
            WHERE attrelid = one::regclass AND attnum > 0 AND NOT attisdropped AND attname NOT IN ('chunk', 'users')
        );
        EXECUTE format(
            $sql$
            CREATE TEMPORARY TABLE rechunked AS
            SELECT %2$s, 2 * chunk + half AS chunk, substring(users FROM 16384 * half + 1 FOR 16384) AS users
            FROM %1$I CROSS JOIN generate_series(0, 1) AS half
            WHERE bit_count(substring(users FROM 16384 * half + 1 FOR 16384)) > 0
            $sql$, one, words);
        EXECUTE format('TRUNCATE %I', one);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN users TYPE bit(16384)', one);
        -- A change of type forgets it.
        EXECUTE format('ALTER TABLE %I ALTER COLUMN users SET STORAGE MAIN', one);
        EXECUTE format('INSERT INTO %1$I (%2$s, chunk, users) SELECT %2$s, chunk, users FROM rechunked', one, words);
        DROP TABLE rechunked;
    END LOOP;
END $$;
