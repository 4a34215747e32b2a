DROP FUNCTION events_percentiles(numeric);
-- How many events a histogram holds, and the buckets of their percentiles: the first bucket with which that part of them is reached.
-- The true 95th percentile lies from p95_low to p95_high with 95 % confidence: ranks as far from its own as a binomial scatters.
CREATE FUNCTION events_percentiles(
    histogram numeric, OUT samples bigint, OUT p50 smallint, OUT p95 smallint, OUT p99 smallint,
    OUT p95_low smallint, OUT p95_high smallint
) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    digits bytea := convert_to(histogram::text, 'UTF8');
    size integer := length(digits);
    up_to bigint := 0;
    count_of_place bigint;
    bucket smallint;
    margin double precision;
BEGIN
    samples := coalesce(mod(histogram, 999999999999), 0);
    IF samples = 0 THEN
        RETURN;
    END IF;
    margin := 1.96 * sqrt(samples * 0.95 * 0.05);
    FOR place IN (size - length(rtrim(digits, '0'::bytea))) / 12 .. (size - 1) / 12 LOOP
        count_of_place := convert_from(
            substring(digits FROM greatest(size - 12 * place - 11, 1) FOR least(12, size - 12 * place)), 'UTF8')::bigint;
        IF count_of_place > 0 THEN
            up_to := up_to + count_of_place;
            bucket := CASE WHEN place = 0 THEN -1000 ELSE place - 231 END;
            IF p50 IS NULL AND up_to >= ceil(0.50 * samples) THEN
                p50 := bucket;
            END IF;
            IF p95_low IS NULL AND up_to >= floor(0.95 * samples - margin) THEN
                p95_low := bucket;
            END IF;
            IF p95 IS NULL AND up_to >= ceil(0.95 * samples) THEN
                p95 := bucket;
            END IF;
            IF p99 IS NULL AND up_to >= ceil(0.99 * samples) THEN
                p99 := bucket;
            END IF;
            IF p95_high IS NULL AND up_to >= least(samples, ceil(0.95 * samples + margin) + 1) THEN
                p95_high := bucket;
            END IF;
            EXIT WHEN p99 IS NOT NULL AND p95_high IS NOT NULL;
        END IF;
    END LOOP;
END $$;
