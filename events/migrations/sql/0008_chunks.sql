-- Sets of users by 32,768 instead of 16,384: a product with some ten thousand users has one row where it had two, and questions read
-- half as many. Bit (number % 32768) of chunk (number / 32768).
-- Frozen: later changes are later files.

DROP FUNCTION events_set_of_users(integer[]);
CREATE FUNCTION events_set_of_users(places integer[]) RETURNS bit(32768) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    users bit(32768) := repeat('0', 32768)::bit(32768);
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
            SELECT %2$s, chunk / 2 AS chunk,
                coalesce(bit_or(users) FILTER (WHERE mod(chunk, 2) = 0), repeat('0', 16384)::bit(16384))
                || coalesce(bit_or(users) FILTER (WHERE mod(chunk, 2) = 1), repeat('0', 16384)::bit(16384)) AS users
            FROM %1$I GROUP BY %2$s, chunk / 2
            $sql$, one, words);
        EXECUTE format('TRUNCATE %I', one);
        EXECUTE format('ALTER TABLE %I ALTER COLUMN users TYPE bit(32768)', one);
        -- A change of type forgets it.
        EXECUTE format('ALTER TABLE %I ALTER COLUMN users SET STORAGE MAIN', one);
        EXECUTE format('INSERT INTO %1$I (%2$s, chunk, users) SELECT %2$s, chunk, users FROM rechunked', one, words);
        DROP TABLE rechunked;
    END LOOP;
END $$;
