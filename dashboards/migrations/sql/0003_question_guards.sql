-- What questions may not do at any length (docs/decisions/0011-query-page.md). Some of PostgreSQL's functions do not look whether their
-- time is up before they are through, and take the product of two lengths for it: minutes for two texts of a megabyte. Questions search
-- this schema before pg_catalog and find functions and operators of the same names here, which measure first. Frozen: later changes are
-- later files.

CREATE FUNCTION liftmon_views.too_much(what text) RETURNS void LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN
    RAISE EXCEPTION '% is not asked of values as long as these', what
    USING ERRCODE = 'program_limit_exceeded', HINT = 'It would take too long. Shorten them first: left(text, 1000).';
END $$;

CREATE FUNCTION liftmon_views.too_long(what text) RETURNS void LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN
    RAISE EXCEPTION '% makes texts of at most a million characters here', what USING ERRCODE = 'program_limit_exceeded';
END $$;

-- Whether something that takes the product of these lengths may be asked: about half a second at the worst.
CREATE FUNCTION liftmon_views.is_much(one integer, other integer) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT one::bigint * other > 50000000 $$;

-- Looking for one text in another.

CREATE FUNCTION liftmon_views.strpos(string text, part text) RETURNS integer
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('strpos'); END IF;
    RETURN pg_catalog.strpos($1, $2);
END $$;

CREATE FUNCTION liftmon_views.split_part(string text, delimiter text, n integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('split_part'); END IF;
    RETURN pg_catalog.split_part($1, $2, $3);
END $$;

CREATE FUNCTION liftmon_views.string_to_array(string text, delimiter text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('string_to_array'); END IF;
    RETURN pg_catalog.string_to_array($1, $2);
END $$;

CREATE FUNCTION liftmon_views.string_to_array(string text, delimiter text, null_string text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('string_to_array'); END IF;
    RETURN pg_catalog.string_to_array($1, $2, $3);
END $$;

CREATE FUNCTION liftmon_views.string_to_table(string text, delimiter text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 1000 AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('string_to_table'); END IF;
    RETURN QUERY SELECT pg_catalog.string_to_table($1, $2);
END $$;

CREATE FUNCTION liftmon_views.string_to_table(string text, delimiter text, null_string text) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 1000 AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('string_to_table'); END IF;
    RETURN QUERY SELECT pg_catalog.string_to_table($1, $2, $3);
END $$;

-- Nor does it make a text that is much longer than it was.
CREATE FUNCTION liftmon_views.replace(string text, old text, new text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2))
        OR liftmon_views.is_much(octet_length($1) / greatest(octet_length($2), 1), octet_length($3)) THEN PERFORM liftmon_views.too_much('replace'); END IF;
    RETURN pg_catalog.replace($1, $2, $3);
END $$;

-- Looking for every letter among others.

CREATE FUNCTION liftmon_views.translate(string text, old text, new text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('translate'); END IF;
    RETURN pg_catalog.translate($1, $2, $3);
END $$;

CREATE FUNCTION liftmon_views.btrim(string text, characters text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('btrim'); END IF;
    RETURN pg_catalog.btrim($1, $2);
END $$;

CREATE FUNCTION liftmon_views.btrim(string bytea, characters bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('btrim'); END IF;
    RETURN pg_catalog.btrim($1, $2);
END $$;

CREATE FUNCTION liftmon_views.ltrim(string text, characters text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('ltrim'); END IF;
    RETURN pg_catalog.ltrim($1, $2);
END $$;

CREATE FUNCTION liftmon_views.ltrim(string bytea, characters bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('ltrim'); END IF;
    RETURN pg_catalog.ltrim($1, $2);
END $$;

CREATE FUNCTION liftmon_views.rtrim(string text, characters text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('rtrim'); END IF;
    RETURN pg_catalog.rtrim($1, $2);
END $$;

CREATE FUNCTION liftmon_views.rtrim(string bytea, characters bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('rtrim'); END IF;
    RETURN pg_catalog.rtrim($1, $2);
END $$;

-- Texts out of nothing.

CREATE FUNCTION liftmon_views.repeat(string text, n integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF octet_length($1)::bigint * $2 > 1000000 THEN PERFORM liftmon_views.too_long('repeat'); END IF;
    RETURN pg_catalog.repeat($1, $2);
END $$;

CREATE FUNCTION liftmon_views.lpad(string text, length integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF $2 > 1000000 THEN PERFORM liftmon_views.too_long('lpad'); END IF;
    RETURN pg_catalog.lpad($1, $2);
END $$;

CREATE FUNCTION liftmon_views.lpad(string text, length integer, fill text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF $2 > 1000000 THEN PERFORM liftmon_views.too_long('lpad'); END IF;
    RETURN pg_catalog.lpad($1, $2, $3);
END $$;

CREATE FUNCTION liftmon_views.rpad(string text, length integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF $2 > 1000000 THEN PERFORM liftmon_views.too_long('rpad'); END IF;
    RETURN pg_catalog.rpad($1, $2);
END $$;

CREATE FUNCTION liftmon_views.rpad(string text, length integer, fill text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF $2 > 1000000 THEN PERFORM liftmon_views.too_long('rpad'); END IF;
    RETURN pg_catalog.rpad($1, $2, $3);
END $$;

-- LIKE. A short pattern that stands in the question is compared as ever: PostgreSQL writes the function's body into the query,
-- where the CASE is gone and the index is found. Hence not STRICT, though they are.

CREATE FUNCTION liftmon_views.measured_like(string text, pattern text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('LIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.~~) $2;
END $$;

CREATE FUNCTION liftmon_views."like"(string text, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.~~) $2 ELSE liftmon_views.measured_like($1, $2)
END $$;

CREATE OPERATOR liftmon_views.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = liftmon_views."like");

CREATE FUNCTION liftmon_views.measured_notlike(string text, pattern text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('NOT LIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.!~~) $2;
END $$;

CREATE FUNCTION liftmon_views.notlike(string text, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.!~~) $2 ELSE liftmon_views.measured_notlike($1, $2)
END $$;

CREATE OPERATOR liftmon_views.!~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = liftmon_views.notlike);

CREATE FUNCTION liftmon_views.measured_texticlike(string text, pattern text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('ILIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.~~*) $2;
END $$;

CREATE FUNCTION liftmon_views.texticlike(string text, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.~~*) $2 ELSE liftmon_views.measured_texticlike($1, $2)
END $$;

CREATE OPERATOR liftmon_views.~~* (LEFTARG = text, RIGHTARG = text, FUNCTION = liftmon_views.texticlike);

CREATE FUNCTION liftmon_views.measured_texticnlike(string text, pattern text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('NOT ILIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.!~~*) $2;
END $$;

CREATE FUNCTION liftmon_views.texticnlike(string text, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.!~~*) $2 ELSE liftmon_views.measured_texticnlike($1, $2)
END $$;

CREATE OPERATOR liftmon_views.!~~* (LEFTARG = text, RIGHTARG = text, FUNCTION = liftmon_views.texticnlike);

CREATE FUNCTION liftmon_views.measured_bpcharlike(string bpchar, pattern text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('LIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.~~) $2;
END $$;

CREATE FUNCTION liftmon_views.bpcharlike(string bpchar, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.~~) $2 ELSE liftmon_views.measured_bpcharlike($1, $2)
END $$;

CREATE OPERATOR liftmon_views.~~ (LEFTARG = bpchar, RIGHTARG = text, FUNCTION = liftmon_views.bpcharlike);

CREATE FUNCTION liftmon_views.measured_bpcharnlike(string bpchar, pattern text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('NOT LIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.!~~) $2;
END $$;

CREATE FUNCTION liftmon_views.bpcharnlike(string bpchar, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.!~~) $2 ELSE liftmon_views.measured_bpcharnlike($1, $2)
END $$;

CREATE OPERATOR liftmon_views.!~~ (LEFTARG = bpchar, RIGHTARG = text, FUNCTION = liftmon_views.bpcharnlike);

CREATE FUNCTION liftmon_views.measured_bpchariclike(string bpchar, pattern text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('ILIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.~~*) $2;
END $$;

CREATE FUNCTION liftmon_views.bpchariclike(string bpchar, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.~~*) $2 ELSE liftmon_views.measured_bpchariclike($1, $2)
END $$;

CREATE OPERATOR liftmon_views.~~* (LEFTARG = bpchar, RIGHTARG = text, FUNCTION = liftmon_views.bpchariclike);

CREATE FUNCTION liftmon_views.measured_bpcharicnlike(string bpchar, pattern text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('NOT ILIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.!~~*) $2;
END $$;

CREATE FUNCTION liftmon_views.bpcharicnlike(string bpchar, pattern text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.!~~*) $2 ELSE liftmon_views.measured_bpcharicnlike($1, $2)
END $$;

CREATE OPERATOR liftmon_views.!~~* (LEFTARG = bpchar, RIGHTARG = text, FUNCTION = liftmon_views.bpcharicnlike);

CREATE FUNCTION liftmon_views.measured_like(string bytea, pattern bytea) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('LIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.~~) $2;
END $$;

CREATE FUNCTION liftmon_views."like"(string bytea, pattern bytea) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.~~) $2 ELSE liftmon_views.measured_like($1, $2)
END $$;

CREATE OPERATOR liftmon_views.~~ (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = liftmon_views."like");

CREATE FUNCTION liftmon_views.measured_notlike(string bytea, pattern bytea) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(octet_length($1), octet_length($2)) THEN PERFORM liftmon_views.too_much('NOT LIKE'); END IF;
    RETURN $1 OPERATOR(pg_catalog.!~~) $2;
END $$;

CREATE FUNCTION liftmon_views.notlike(string bytea, pattern bytea) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE
    WHEN octet_length($2) <= 200 THEN $1 OPERATOR(pg_catalog.!~~) $2 ELSE liftmon_views.measured_notlike($1, $2)
END $$;

CREATE OPERATOR liftmon_views.!~~ (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = liftmon_views.notlike);

-- Comparing every element with every other.

CREATE FUNCTION liftmon_views.arraycontains(one anyarray, other anyarray) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(cardinality($1), cardinality($2)) THEN PERFORM liftmon_views.too_much('@>'); END IF;
    RETURN $1 OPERATOR(pg_catalog.@>) $2;
END $$;

CREATE OPERATOR liftmon_views.@> (LEFTARG = anyarray, RIGHTARG = anyarray, FUNCTION = liftmon_views.arraycontains);

CREATE FUNCTION liftmon_views.arraycontained(one anyarray, other anyarray) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(cardinality($1), cardinality($2)) THEN PERFORM liftmon_views.too_much('<@'); END IF;
    RETURN $1 OPERATOR(pg_catalog.<@) $2;
END $$;

CREATE OPERATOR liftmon_views.<@ (LEFTARG = anyarray, RIGHTARG = anyarray, FUNCTION = liftmon_views.arraycontained);

CREATE FUNCTION liftmon_views.arrayoverlap(one anyarray, other anyarray) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS
$$ BEGIN
    IF liftmon_views.is_much(cardinality($1), cardinality($2)) THEN PERFORM liftmon_views.too_much('&&'); END IF;
    RETURN $1 OPERATOR(pg_catalog.&&) $2;
END $$;

CREATE OPERATOR liftmon_views.&& (LEFTARG = anyarray, RIGHTARG = anyarray, FUNCTION = liftmon_views.arrayoverlap);

-- Shapes are nothing that events have.

CREATE FUNCTION liftmon_views.path_distance(one path, other path) RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN PERFORM liftmon_views.too_much('<->'); END $$;

CREATE OPERATOR liftmon_views.<-> (LEFTARG = path, RIGHTARG = path, FUNCTION = liftmon_views.path_distance);

CREATE FUNCTION liftmon_views.path_inter(one path, other path) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN PERFORM liftmon_views.too_much('?#'); END $$;

CREATE OPERATOR liftmon_views.?# (LEFTARG = path, RIGHTARG = path, FUNCTION = liftmon_views.path_inter);

CREATE FUNCTION liftmon_views.poly_distance(one polygon, other polygon) RETURNS double precision LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN PERFORM liftmon_views.too_much('<->'); END $$;

CREATE OPERATOR liftmon_views.<-> (LEFTARG = polygon, RIGHTARG = polygon, FUNCTION = liftmon_views.poly_distance);

CREATE FUNCTION liftmon_views.poly_overlap(one polygon, other polygon) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN PERFORM liftmon_views.too_much('&&'); END $$;

CREATE OPERATOR liftmon_views.&& (LEFTARG = polygon, RIGHTARG = polygon, FUNCTION = liftmon_views.poly_overlap);

CREATE FUNCTION liftmon_views.poly_contain(one polygon, other polygon) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN PERFORM liftmon_views.too_much('@>'); END $$;

CREATE OPERATOR liftmon_views.@> (LEFTARG = polygon, RIGHTARG = polygon, FUNCTION = liftmon_views.poly_contain);

CREATE FUNCTION liftmon_views.poly_contained(one polygon, other polygon) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN PERFORM liftmon_views.too_much('<@'); END $$;

CREATE OPERATOR liftmon_views.<@ (LEFTARG = polygon, RIGHTARG = polygon, FUNCTION = liftmon_views.poly_contained);

CREATE FUNCTION liftmon_views.poly_same(one polygon, other polygon) RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS
$$ BEGIN PERFORM liftmon_views.too_much('~='); END $$;

CREATE OPERATOR liftmon_views.~= (LEFTARG = polygon, RIGHTARG = polygon, FUNCTION = liftmon_views.poly_same);

COMMENT ON COLUMN liftmon_views.counts_by_day.day IS 'Midnight UTC. Its date, in every time zone: (day AT TIME ZONE ''UTC'')::date.';
COMMENT ON COLUMN liftmon_views.user_failures_by_day.day IS 'Midnight UTC. Its date, in every time zone: (day AT TIME ZONE ''UTC'')::date.';
