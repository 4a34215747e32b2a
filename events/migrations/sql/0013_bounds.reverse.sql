DROP FUNCTION events_percentiles(numeric);
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
