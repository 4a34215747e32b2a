"""The answer of a question in SQL as a file."""

import csv
import io
import json
import re
from typing import Any

from django.test import Client

from tests.dashboards.pages.query.asking import QUERY


def test_the_csv_has_everything_and_no_formula(eve: Client) -> None:
    statement = "SELECT n, -n AS negative, '=cmd()' AS text, NULL AS nothing FROM generate_series(1, 5000) AS n"

    answer: Any = eve.post(QUERY, {"action": "csv", "statement": statement, "name": "My numbers"})

    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert re.search(r'attachment; filename="my-numbers-\d{8}-\d{4}\.csv"', answer["Content-Disposition"])
    assert rows[:2] == [["n", "negative", "text", "nothing"], ["1", "-1", "'=cmd()", ""]]
    assert len(rows) == 5001


def test_the_json_has_types(eve: Client) -> None:
    statement = (
        "SELECT 1 AS a, 0.5 AS b, 'NaN'::float8 AS c, true AS d, '{\"e\": [1]}'::jsonb AS f, NULL::int AS g, 'h' AS i "
        "FROM generate_series(1, 10001)"
    )

    answer: Any = eve.post(QUERY, {"action": "json", "statement": statement})

    found = json.loads(answer.content)
    assert answer["Content-Type"] == "application/json"
    assert found["columns"][0] == {"name": "a", "type": "int4"}
    assert found["rows"][0] == [1, 0.5, None, True, {"e": [1]}, None, "h"]
    assert (len(found["rows"]), found["is_cut"]) == (10_000, True)


def test_the_json_has_numbers_of_any_size(eve: Client) -> None:
    statement = (
        "SELECT 1e20::float8, sum(1e19::numeric), 'Infinity'::numeric, '-Infinity'::float8 FROM generate_series(1, 5)"
    )

    answer: Any = eve.post(QUERY, {"action": "json", "statement": statement})

    assert answer.status_code == 200
    assert json.loads(answer.content)["rows"] == [[1e20, 5 * 10**19, None, None]]


def test_a_file_of_a_wrong_question_is_a_page_that_says_so(eve: Client) -> None:
    answer: Any = eve.post(QUERY, {"action": "csv", "statement": "SELECT wrong"})

    assert "Content-Disposition" not in answer.headers
    assert "does not exist" in answer.content.decode()
