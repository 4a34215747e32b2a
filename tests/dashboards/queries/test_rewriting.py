"""Putting slips right, numbering parameters, refusing what is no question."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.queries.parameters import Parameter
from dashboards.queries.refusing import RefusedError
from dashboards.queries.rewriting import LONGEST_STATEMENT, Rewritten, names_in, rewrite
from tests.dashboards.queries.test_tokens import FRAGMENTS, literals

KNOWN = {
    "days": Parameter("days", "integer", "7"),
    "name": Parameter("name", "text", ""),
    "at": Parameter("at", "timestamp", ""),
}


def read(statement: str) -> Rewritten:
    return rewrite(statement, KNOWN)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("INTERVAL 24 HOURS", "INTERVAL '24 HOURS'"),
        ("interval 7 days", "INTERVAL '7 days'"),
        ("INTERVAL 1 DAY", "INTERVAL '1 DAY'"),
        ("INTERVAL 1.5 HOURS", "INTERVAL '1.5 HOURS'"),
        ("INTERVAL\n  30 -- of them\n  DAYS", "INTERVAL '30 DAYS'"),
        ("INTERVAL '24' HOURS", "INTERVAL '24 HOURS'"),
        ("INTERVAL '2' WEEK", "INTERVAL '2 WEEK'"),
        ("INTERVAL 2 QUARTERS", "(3 * INTERVAL '2 MONTHS')"),
        ("INTERVAL :days DAYS", "($1::bigint * INTERVAL '1 day')"),
        ("INTERVAL :days QUARTER", "($1::bigint * INTERVAL '3 months')"),
        ("INTERVAL -1 DAY", "INTERVAL '-1 DAY'"),
        ("INTERVAL +1 DAY", "INTERVAL '1 DAY'"),
        ("INTERVAL -:days DAYS", "(-$1::bigint * INTERVAL '1 day')"),
        ("INTERVAL (1) DAY", "INTERVAL '1 DAY'"),
        ("INTERVAL (:days) DAY", "($1::bigint * INTERVAL '1 day')"),
        ("INTERVAL 30 MIN", "INTERVAL '30 MIN'"),
        ("INTERVAL 2 HRS", "INTERVAL '2 HRS'"),
        ("INTERVAL 1e3 DAYS", "INTERVAL '1000 DAYS'"),
        ("INTERVAL 1_000 SECONDS", "INTERVAL '1000 SECONDS'"),
        ("INTERVAL 0x10 DAYS", "INTERVAL '16 DAYS'"),
        ("INTERVAL 1.50 DAYS", "INTERVAL '1.50 DAYS'"),
        ("`event`", '"event"'),
        ('`a"b`', '"a""b"'),
        ("IFNULL(a, 0)", "COALESCE(a, 0)"),
        ("CURDATE()", "CURRENT_DATE"),
        ("DATE_SUB(NOW(), INTERVAL 1 DAY)", "date_subtract(NOW(), INTERVAL '1 DAY')"),
        ("1 LIMIT 20, 10", "1 LIMIT 10 OFFSET 20"),
        ("1 LIMIT :days, 5", "1 LIMIT 5 OFFSET $1::bigint"),
    ],
)
def test_slips_are_put_right(written: str, meant: str) -> None:
    found = read(f"SELECT {written}")

    assert found.sql == f"SELECT {meant}"
    assert found.changes


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("INTERVAL :days DAYS", ":days * INTERVAL '1 day'"),
        ("INTERVAL 2 QUARTERS", "3 * INTERVAL '2 MONTHS'"),
        ("1 LIMIT :days, 5", "LIMIT 5 OFFSET :days"),
        ("INTERVAL 24 HOURS", "INTERVAL '24 HOURS'"),
    ],
)
def test_what_it_was_read_as_is_told_in_the_names_that_were_written(written: str, told: str) -> None:
    (change,) = read(f"SELECT {written}").changes

    assert change.read == told


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT INTERVAL '24 hours', INTERVAL '24' HOUR, INTERVAL '1-2' YEAR TO MONTH",
        "SELECT 'INTERVAL 24 HOURS', $$ INTERVAL 24 HOURS $$, E'\\' INTERVAL 24 HOURS', $q$ :days $q$",
        'SELECT a AS "INTERVAL 24 HOURS", b AS "`x`", c AS ":days"',
        "SELECT 1 -- INTERVAL 24 HOURS :days ;\n/* LIMIT 1, 2 /* ; */ `x` */",
        "SELECT interval FROM x LIMIT 10 OFFSET 20",
        "SELECT interval - 1 AS day, interval -1, INTERVAL 1e99 DAYS, interval(1) FROM x",
        "SELECT x[a:b], x[1:n], x[f(a):b][c:d], x['a':b], x[y[1]:b] FROM z",
        "SELECT a::text, b[1:2] FROM x WHERE a LIKE '%error%' AND b ? 'c' AND c ?| ARRAY['d']",
        "SELECT trim(both (a)), trim((SELECT max(b) FROM c)), trim(x) FROM y, position",
        "SELECT version(), current_date, current_user, current_schema, current_database(), name, owner FROM services",
        "WITH ifnull AS (SELECT 1 AS curdate) SELECT curdate FROM ifnull",
        "VALUES (1), (2)",
        "TABLE events",
        "(SELECT 1) UNION (SELECT 2)",
    ],
)
def test_what_postgresql_takes_is_left_alone(statement: str) -> None:
    found = read(statement)

    assert found.sql == statement
    assert found.changes == []


@given(st.lists(literals() | st.sampled_from([("x", ""), ("/* INTERVAL 1 DAY */", ""), (", ", "")]), max_size=8))
def test_texts_and_comments_never_change(parts: list[tuple[str, str]]) -> None:
    statement = "SELECT INTERVAL 24 HOURS " + " ".join(text for text, _ in parts)

    assert read(statement).sql == "SELECT INTERVAL '24 HOURS'" + statement.removeprefix("SELECT INTERVAL 24 HOURS")


@given(st.lists(st.sampled_from([*FRAGMENTS, "SELECT ", " LIMIT 1,2 ", " `x` ", " INTERVAL 2 DAYS "]), max_size=30))
def test_whatever_is_written_is_read_or_refused(parts: list[str]) -> None:
    statement = "SELECT " + "".join(parts)

    try:
        found = read(statement)
    except RefusedError as error:
        start = error.start or 0
        found = None

    if found is None:
        assert 0 <= start <= len(statement)
        return
    assert all(0 <= found.place_of(position) <= len(statement) for position in range(len(found.sql) + 2))
    again = rewrite(found.sql, KNOWN) if not found.names else None
    assert again is None or again.sql == found.sql


def test_a_parameter_is_bound_once_however_often_it_is_named() -> None:
    found = read("SELECT :days, :name, :days WHERE x = :name AND at > :at")

    assert found.sql == "SELECT $1::bigint, $2::text, $1::bigint WHERE x = $2::text AND at > $3::timestamptz"
    assert found.names == ["days", "name", "at"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("x[:days]", "x[$1::bigint]"),
        ("x[1 : :days]", "x[1 : $1::bigint]"),
        ("x[:days:n]", "x[$1::bigint:n]"),
        ("x[CASE WHEN a THEN :days END:b]", "x[CASE WHEN a THEN $1::bigint END:b]"),
        ("x[1 + :days], a[b] = :days", "x[1 + $1::bigint], a[b] = $1::bigint"),
    ],
)
def test_parameters_within_brackets_are_told_from_slices(written: str, meant: str) -> None:
    assert read(f"SELECT {written}").sql.replace(" $1", "$1").replace("[ ", "[") == f"SELECT {meant}".replace(
        " $1", "$1"
    )


def test_a_parameter_is_never_glued_to_a_word() -> None:
    assert read("SELECT a:days").sql == "SELECT a $1::bigint"


def test_parameters_are_found_where_they_are_some() -> None:
    statement = "SELECT ':no', \":no\", $$:no$$ -- :no\n, :days, a::name, :at, :days"

    assert names_in(statement) == ["days", "at"]


def test_places_of_errors_are_those_of_what_was_written() -> None:
    statement = "SELECT NOW() - INTERVAL 24 HOURS, wrong, :days"

    found = read(statement)

    assert statement[found.place_of(found.sql.index("wrong")) :].startswith("wrong")
    assert statement[found.place_of(found.sql.index("'24")) :].startswith("INTERVAL")
    assert statement[found.place_of(found.sql.index("bigint")) :].startswith(":days")


def test_semicolons_at_the_end_are_no_second_statement() -> None:
    assert read("SELECT 1 ; ; -- done\n").sql == "SELECT 1 "


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("", "no question yet"),
        (" -- nothing", "no question yet"),
        (";", "no question yet"),
        ("SELECT 1; SELECT 2", "Only one statement"),
        ("SELECT 1;/**/DROP TABLE events_event", "Only one statement"),
        ("DELETE FROM events", "begins with SELECT"),
        ("COPY (SELECT 1) TO PROGRAM 'id'", "begins with SELECT"),
        ("DO $$ BEGIN END $$", "begins with SELECT"),
        ("SET ROLE none", "begins with SELECT"),
        ("/* SELECT */ CALL x()", "begins with SELECT"),
        ("EXPLAIN ANALYZE DELETE FROM events", "begins with SELECT"),
        ("EXPLAIN (ANALYZE, BUFFERS) EXECUTE x", "begins with SELECT"),
        ("EXPLAIN", "begins with SELECT"),
        ("EXPLAIN (", "begins with SELECT"),
        ("SELECT $1", "no value here"),
        ("SELECT :nothing", "no value yet"),
        ("SELECT pg_sleep(1)", "own affair"),
        ('SELECT "pg_sleep"(1)', "own affair"),
        ("SELECT `pg_sleep`(1)", "own affair"),
        ("SELECT PG_SLEEP(1)", "own affair"),
        ("SELECT (1.0::float8).pg_sleep", "own affair"),
        ('SELECT U&"pg\\005fsleep"(1)', "escapes"),
        ("SELECT * FROM pg_catalog.pg_authid", "own affair"),
        ("SELECT * FROM information_schema.tables", "own affair"),
        ("SELECT set_config('role', 'none', true)", "own affair"),
        ("SELECT query_to_xml('SELECT 1', true, true, '')", "own affair"),
        ("SELECT database_to_xml_and_xmlschema(true, true, '')", "own affair"),
        ("SELECT 'auth_user'::regclass", "own affair"),
        *(
            (f"SELECT {called}", "own affair")
            for called in (
                "format_type(16385, NULL)",
                "regclassin('public.auth_user')",
                "regclassout(1)",
                "regroleout(10)",
                "1::oid",
                "makeaclitem(1, 1, 'SELECT', true)",
                "acldefault('r', 10)",
                "aclexplode('{}')",
                "getpgusername()",
                "1::regrole",
                "oidvectortypes('23')",
            )
        ),
        ("SELECT lo_import('/etc/passwd')", "own affair"),
        ("SELECT dblink('x', 'y')", "own affair"),
        ("SELECT '\x00'", "NUL"),
        ("SELECT position('a' IN b)", "position"),
        ('SELECT "position"(a, b)', "position"),
        ("SELECT trim(BOTH 'x' FROM y)", "trim"),
        ("SELECT TRIM (('x') FROM y)", "trim"),
        ("SELECT trim(y, 'x')", "trim"),
        ("SELECT :" + "x" * 64, "at most 63 letters"),
        ("SELECT " + ", ".join(f":p{number}" for number in range(21)), "at most 20 parameters"),
        ("SELECT " + "1" * LONGEST_STATEMENT, "at most"),
        ("SELECT " + "1," * 9_000, "too many words"),
    ],
)
def test_what_is_no_question_is_refused_with_words_that_help(statement: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        read(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "EXPLAIN SELECT 1",
        "EXPLAIN (ANALYZE, BUFFERS) (SELECT 1)",
        "explain analyze verbose WITH a AS (SELECT 1) TABLE a",
    ],
)
def test_a_plan_may_be_asked_for(statement: str) -> None:
    assert read(statement).is_explain


def test_names_are_known_as_postgresql_folds_them() -> None:
    words = read('SELECT NextVal, "Quoted""Name", `back` FROM x').words

    assert {"select", "nextval", 'Quoted"Name', "back", "from", "x"} == set(words)


@given(st.text(max_size=200))
def test_no_text_makes_it_fall_over(text: str) -> None:
    with suppress(RefusedError):
        assert read(text).sql
