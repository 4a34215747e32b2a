"""The functions and operators that questions find before PostgreSQL's own: the same answers, and none that takes too long."""

import time

import pytest
from django.db import connection

from dashboards.queries.running import QueryError
from tests.dashboards.queries.conftest import Ask

pytestmark = pytest.mark.django_db
LONG, PART = "repeat('a', 300000)", "'b' || repeat('a', 150000)"


@pytest.mark.parametrize(
    "written",
    [
        f"strpos({LONG}, {PART})",
        f"split_part({LONG}, {PART}, 1)",
        f"string_to_array({LONG}, {PART})",
        f"string_to_array({LONG}, {PART}, '')",
        f"string_to_table({LONG}, {PART})",
        f"string_to_table({LONG}, {PART}, '')",
        f"replace({LONG}, {PART}, '')",
        f"replace({LONG}, 'a', {LONG})",
        f"translate({LONG}, {PART}, '')",
        f"btrim({LONG}, {PART})",
        f"ltrim({LONG}, {PART})",
        f"rtrim({LONG}, {PART})",
        f"btrim(({LONG})::bytea, ({PART})::bytea)",
        f"{LONG} LIKE '%' || {PART}",
        f"{LONG} NOT LIKE '%' || {PART}",
        f"{LONG} ILIKE '%' || {PART}",
        f"{LONG} NOT ILIKE '%' || {PART}",
        f"({LONG})::char(300000) LIKE '%' || {PART}",
        f"({LONG})::bytea LIKE ('%' || {PART})::bytea",
        f"{LONG} LIKE ANY (ARRAY['%' || {PART}])",
        f"\"like\"({LONG}, '%' || {PART})",
        "array_agg(n) && array_agg(-n) FROM generate_series(1, 20000) AS n",
        "array_agg(n) @> array_agg(-n) FROM generate_series(1, 20000) AS n",
        "array_agg(n) <@ array_agg(-n) FROM generate_series(1, 20000) AS n",
        "path(polygon(9999, circle '<(0,0),1>')) <-> path(polygon(9999, circle '<(0,0),1>'))",
        "polygon(9999, circle '<(0,0),2>') @> polygon(9999, circle '<(0,0),1>')",
    ],
)
def test_what_would_take_too_long_is_refused_before_it_begins(asked: Ask, written: str) -> None:
    began = time.monotonic()

    with pytest.raises(QueryError, match="not asked of values as long as these"):
        asked(f"SELECT {written}")

    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "written",
    ["repeat('ab', 500001)", "repeat(repeat('a', 1000), 1001)", "lpad('a', 1000001)", "rpad('a', 2000000000, 'b')"],
)
def test_no_text_is_made_that_is_longer_than_a_million(asked: Ask, written: str) -> None:
    with pytest.raises(QueryError, match="at most a million characters"):
        asked(f"SELECT {written}")


CALLS = [
    "strpos(a, b)", "split_part(a, b, 2)", "split_part(a, b, -1)", "string_to_array(a, b)", "string_to_array(a, b, c)",
    "replace(a, b, c)", "translate(a, b, c)", "btrim(a, b)", "ltrim(a, b)", "rtrim(a, b)", "btrim(a::bytea, b::bytea)",
    "repeat(a, 3)", "repeat(a, -1)", "lpad(a, 9)", "lpad(a, 9, b)", "lpad(a, 2, b)", "rpad(a, 9)", "rpad(a, 9, b)",
    "ARRAY(SELECT string_to_table(a, b))", "ARRAY(SELECT string_to_table(a, b, c))",
    "a LIKE b", "a NOT LIKE b", "a ILIKE b", "a NOT ILIKE b", "a LIKE b || '%' || c", "a::char(9) LIKE b", "a::bytea LIKE b::bytea",
    "string_to_array(a, NULL) && string_to_array(b, NULL)", "string_to_array(a, NULL) @> string_to_array(b, NULL)",
    "string_to_array(a, NULL) <@ string_to_array(b, NULL)",
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
def test_they_give_what_postgresql_gives(db: None, call: str) -> None:
    statement = f"""
        SELECT ({call})::text
        FROM (VALUES (NULL), (''), ('a'), ('xax'), ('A_b,c,'), ('%a%'), ('éa,é')) AS v (a),
            (VALUES (NULL), (''), (','), ('a'), ('x%'), ('%A%'), ('_b')) AS w (b), (VALUES (NULL), (''), ('zz')) AS x (c)
        ORDER BY a, b, c
    """
    with connection.cursor() as cursor:
        cursor.execute(statement)
        theirs = cursor.fetchall()
        cursor.execute("SET LOCAL search_path = liftmon_views, pg_catalog")
        cursor.execute(statement)
        ours = cursor.fetchall()
        cursor.execute("SET LOCAL search_path = public")

    assert ours == theirs


def test_a_pattern_in_the_question_still_finds_the_index(asked: Ask) -> None:
    plan = str(
        asked("EXPLAIN SELECT count(*) FROM analytics_logs WHERE event LIKE 'api%' AND event NOT ILIKE '%x%'").rows
    )

    assert ">= 'api'" in plan
    assert "liftmon_views" not in plan
