"""Asking: caps, times, errors with their places, and the functions that do something."""

import threading
import time
from typing import Any

import pytest
from django.db import connection

from dashboards.queries import running
from dashboards.queries.answers import Caps
from dashboards.queries.refusing import RefusedError
from dashboards.queries.role import role_name
from dashboards.queries.running import QueryError
from tests.dashboards.queries.conftest import Ask

pytestmark = pytest.mark.django_db


def test_it_answers_with_columns_and_texts(asked: Ask) -> None:
    answer = asked("SELECT 1 AS a, 0.5::float8 AS b, true AS c, NULL AS d, '{\"e\": 1}'::jsonb AS f, 'g' AS a")

    assert [(column.name, column.type) for column in answer.columns] == [
        ("a", "int4"), ("b", "float8"), ("c", "bool"), ("d", "text"), ("f", "jsonb"), ("a", "text"),
    ]  # fmt: skip
    assert answer.rows == [["1", "0.5", "true", None, '{"e": 1}', "g"]]
    assert [column.is_number for column in answer.columns] == [True, True, False, False, False, False]
    assert not answer.has_more
    assert answer.took_ms > 0


@pytest.mark.parametrize(
    "statement",
    [
        "VALUES (1), (2) -- two",
        "WITH a AS (SELECT 1) TABLE a",
        "WITH a AS (SELECT 1) SELECT * FROM a;",
        "(SELECT 1) UNION (SELECT 2)",
        "SELECT count(*) FROM events WHERE event LIKE '%error%'",
        "SELECT random(), gen_random_uuid(), clock_timestamp()",
        "EXPLAIN SELECT * FROM events",
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT 1",
    ],
)
def test_every_kind_of_question_is_answered(asked: Ask, statement: str) -> None:
    assert asked(statement).columns


def test_a_whole_view_is_a_question(asked: Ask) -> None:
    assert [column.name for column in asked("TABLE services").columns][:2] == ["service", "name"]


def test_rows_keep_their_order(asked: Ask) -> None:
    answer = asked("SELECT n FROM generate_series(1, 900) AS n ORDER BY n DESC")

    assert [int(row[0] or 0) for row in answer.rows] == list(range(900, 0, -1))


def test_parameters_are_bound_and_typed(asked: Ask) -> None:
    answer = asked(
        "SELECT :text || '!', :count + 1, :at, :nothing IS NULL, :day + 1, :yes",
        text=("text", "'; DROP TABLE events_event; --"),
        count=("integer", "41"),
        at=("timestamp", "2026-03-29T22:00Z"),
        nothing=("integer", ""),
        day=("date", "2026-12-31"),
        yes=("boolean", "yes"),
    )

    assert answer.rows == [
        ["'; DROP TABLE events_event; --!", "42", "2026-03-29 22:00:00+00", "true", "2027-01-01", "true"]
    ]


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("INTERVAL -1 DAY", "-1 days"), ("INTERVAL (1) DAY", "1 day"), ("INTERVAL 30 MIN", "00:30:00"),
        ("INTERVAL '1' WEEK", "7 days"),
        ("INTERVAL 1e3 DAYS", "1000 days"), ("INTERVAL 1_000 DAYS", "1000 days"), ("INTERVAL -:n HRS", "-02:00:00"),
        ("INTERVAL (:n) QUARTERS", "6 mons"), ("(ARRAY[1, 2, 3])[n:m]", "{2,3}"), ("(ARRAY[1, 2, 3])[:n]", "2"),
    ],
)  # fmt: skip
def test_what_was_put_right_is_understood(asked: Ask, written: str, answer: str) -> None:
    assert asked(f"SELECT {written} AS a FROM (SELECT 2 AS n, 3 AS m) AS x", n=("integer", "2")).rows == [[answer]]


def test_times_are_on_the_readers_clock(asked: Ask) -> None:
    statement = "SELECT timestamptz '2026-03-28 23:30+00', date_trunc('day', timestamptz '2026-03-28 23:30+00')"

    assert asked(statement, zone="Europe/Berlin").rows == [["2026-03-29 00:30:00+01", "2026-03-29 00:00:00+01"]]
    assert asked(statement, zone="No/Such/Zone").rows == [["2026-03-28 23:30:00+00", "2026-03-28 00:00:00+00"]]


def test_rows_are_capped_and_that_is_told(asked: Ask) -> None:
    caps = Caps(rows=10, cell=5, characters=1000)

    full = asked("SELECT generate_series(1, 10)", caps=caps)
    more = asked("SELECT generate_series(1, 11)", caps=caps)

    assert (len(full.rows), full.has_more) == (10, False)
    assert (len(more.rows), more.has_more) == (10, True)


def test_cells_are_cut_before_they_are_sent(asked: Ask) -> None:
    answer = asked("SELECT repeat('x', 5), repeat('y', 1000000)", caps=Caps(rows=10, cell=5, characters=1000))

    assert answer.rows == [["xxxxx", "yyyyy…"]]


def test_a_large_answer_stops_early(asked: Ask) -> None:
    began = time.monotonic()

    answer = asked(
        "SELECT repeat('x', 90) FROM generate_series(1, 1000000)", caps=Caps(rows=10_000, cell=100, characters=1000)
    )

    assert answer.is_too_large
    assert len(answer.rows) == 11
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
        # Rows that come slowly have no longer than rows that come at once.
        "SELECT n, (SELECT count(*) FROM generate_series(1, 300000) AS m WHERE m > n) FROM generate_series(1, 1000) AS n",
    ],
)
def test_it_stops_when_time_is_up(asked: Ask, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    monkeypatch.setattr(running, "TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(running, "_GRACE_SECONDS", 20)
    began = time.monotonic()

    with pytest.raises(QueryError, match="longer than 1 seconds") as stopped:
        asked(statement)

    assert 0.9 < time.monotonic() - began < 15
    assert "counts_by_hour" in stopped.value.hint


@pytest.mark.parametrize(
    ("statement", "marked", "words"),
    [
        ("SELECT wrong FROM events", "wrong", "column"),
        ("SELECT 1 FROM nowhere", "nowhere", "relation"),
        ("SELECT NOW() - INTERVAL 24 HOURS, wrong", "wrong", "column"),
        ("SELECT é, wrong FROM (SELECT 1 AS é) AS x", "wrong", "column"),
        ("SELECT 1 FORM events WHERE", "events", "syntax error"),
        ("SELECT event, count(*) FROM events", "event", "GROUP BY"),
        ("EXPLAIN SELECT wrong", "wrong", "column"),
    ],
)
def test_errors_point_at_what_was_written(asked: Ask, statement: str, marked: str, words: str) -> None:
    with pytest.raises(QueryError, match=words) as failed:
        asked(statement)

    assert failed.value.start is not None
    assert statement[failed.value.start :].startswith(marked)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELECT 1 / 0", "division by zero"),
        ("SELECT 'fast'::int", "invalid input syntax"),
        ("SELECT password FROM public.auth_user", "permission denied"),
        ("SELECT FROM events", "1 to 100 columns"),
        (f"SELECT {', '.join(['1'] * 101)}", "1 to 100 columns"),
        ("SELECT 1) AS question, (SELECT 2", "syntax error"),
        ("WITH a AS (DELETE FROM services RETURNING 1) SELECT 1 FROM a", "cannot|permission|top level"),
    ],
)
def test_errors_are_told_in_postgresqls_words(asked: Ask, statement: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        asked(statement)


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT nextval('x')", "nextval"),
        ("SELECT ts_stat('SELECT 1')", "ts_stat"),
        ("SELECT public.events_make_partitions(now(), now())", "events_make_partitions"),
        ("SELECT ('a').currval", "currval"),
        ("SELECT setseed(0.5)", "setseed"),
    ],
)
def test_functions_that_do_something_are_refused(asked: Ask, statement: str, name: str) -> None:
    with pytest.raises(RefusedError, match=name) as refused:
        asked(statement)

    assert refused.value.start == statement.index(name)


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SELECT int4in('1')", "int4in"),
        ("SELECT satisfies_hash_partition(1, 2, 1, 3)", "satisfies_hash_partition"),
        ("SELECT ts_lexize('simple', 'a')", "ts_lexize"),
        ("SELECT get_current_ts_config()", "get_current_ts_config"),
        ("SELECT path_distance(path '((0,0),(1,1))', path '((0,0),(1,1))')", "path_distance"),
        ('SELECT "hashoid"(1)', "hashoid"),
    ],
)
def test_functions_of_postgresqls_own_types_are_refused(asked: Ask, statement: str, name: str) -> None:
    with pytest.raises(RefusedError, match="own affair") as refused:
        asked(statement)

    assert name in statement[refused.value.start :][: len(name) + 1]


def test_columns_may_be_called_like_functions(asked: Ask) -> None:
    answer = asked('SELECT "system", random, path FROM (SELECT 1 AS "system", 2 AS random, 3 AS path) AS x')

    assert answer.rows == [["1", "2", "3"]]


def test_what_tells_of_the_question_itself_is_answered(asked: Ask) -> None:
    statement = "SELECT version(), current_user, current_schema, current_database(), current_date, now(), age(now()), min(event), "
    statement += (
        "name, text 'a', date '2026-01-01', lower('A'), to_char(now(), 'YYYY'), to_tsvector('simple', 'a') FROM "
    )

    assert asked(f"{statement} services, event_types GROUP BY name").columns


def test_the_connection_is_closed_whatever_happens(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    connect = running.connect
    monkeypatch.setattr(running, "connect", lambda: opened.append(connect()) or opened[-1])

    asked("SELECT 1")
    for statement in ("SELECT wrong", "SELECT nextval('x')", "SELECT 1/0"):
        with pytest.raises((QueryError, RefusedError)):
            asked(statement)

    assert len(opened) == 4
    assert all(connection.closed for connection in opened)


def test_it_does_not_wait_for_what_does_not_stop(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(running, "_GRACE_SECONDS", 0.3)
    threads, began = threading.active_count(), time.monotonic()

    # PostgreSQL compares every key with every other before it looks up, and nothing of ours keeps it from that.
    with pytest.raises(QueryError, match="no longer waited for"):
        asked("SELECT jsonb_agg(n::text) - array_agg((-n)::text) FROM generate_series(1, 60000) AS n")
    took = time.monotonic() - began

    assert 0.4 < took < 10
    assert threading.active_count() == threads
    assert asked("SELECT 1").rows == [["1"]]
    while _questions_on_the_server():
        assert time.monotonic() - began < 120
        time.sleep(0.2)


def _questions_on_the_server() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [role_name()])
        (found,) = cursor.fetchone()
    return int(found)


def test_a_connection_that_was_quick_is_not_hung_up(asked: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_GRACE_SECONDS", 2 - running.TIMEOUT_SECONDS)

    answers = [asked("SELECT 1").rows for _ in range(3)]
    time.sleep(2.2)

    assert answers == [[["1"]]] * 3
    assert asked("SELECT 2").rows == [["2"]]
