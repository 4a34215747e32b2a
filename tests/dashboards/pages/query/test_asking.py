"""Asking a question in SQL: the answer, its chart, what is told of errors, and what is logged."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import structlog
from django.contrib.auth.models import User
from django.test import Client

from dashboards.models import SavedQuery
from dashboards.pages import query as page_module
from dashboards.queries import running
from dashboards.queries.role import UnavailableError
from tests.dashboards.pages.query.asking import QUERY, address, cells, run
from tests.events.conftest import Sender


def test_an_answer_is_a_table(eve: Client) -> None:
    page = run(eve, "SELECT 'a' AS word, 1 AS number, NULL AS nothing, 909.1999999999989::float8 AS fraction")

    assert cells(page) == [["word", "number", "nothing", "fraction"], ["a", "1", "null", "909.2"]]
    assert "1 row in " in page


def test_what_was_put_right_is_told(eve: Client) -> None:
    page = run(eve, "SELECT INTERVAL 24 HOURS AS a")

    assert "<code>INTERVAL 24 HOURS</code> was read as <code>INTERVAL &#x27;24 HOURS&#x27;</code>" in page
    assert cells(page)[1] == ["24:00:00"]


def test_htmx_gets_the_answer_and_the_parameters_alone(eve: Client) -> None:
    answer: Any = eve.post(QUERY, {"statement": "SELECT :days"}, headers={"HX-Request": "true"})

    page = answer.content.decode()
    assert "<html" not in page
    assert page.count('id="lm-answer"') == 1
    assert 'hx-swap-oob="true"' in page
    assert 'name="value-days"' in page


def test_a_new_parameter_is_asked_for_and_then_bound(eve: Client) -> None:
    statement = "SELECT :days + 1 AS next, :who AS who"

    first = run(eve, statement)
    second = run(
        eve, statement, **{"type-days": "integer", "value-days": "7", "type-who": "text", "value-who": "o'x; --"}
    )

    assert "New here: :days, :who." in unescape(first)
    assert 'name="value-days"' in first
    assert cells(second)[1] == ["8", "o'x; --"]


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT now() - :x * interval '1 day'", "number"),
        ("SELECT now() - INTERVAL :x DAYS", "integer"),
        ("SELECT event FROM events LIMIT :x", "integer"),
        ("SELECT :x + 1", "integer"),
        ("SELECT event FROM events WHERE timestamp > :x", "timestamp"),
        ("SELECT first_day FROM users WHERE first_day >= :x", "date"),
        ("SELECT event FROM counts_by_day WHERE event_count > :x", "integer"),
        ("SELECT event FROM events WHERE duration_ms > :x", "number"),
        ("SELECT is_regressed FROM issues WHERE is_regressed = :x", "boolean"),
        ("SELECT event FROM events WHERE event = :x", "text"),
        ("SELECT :x", "text"),
        ("SELECT concat(:x)", "text"),
        ("SELECT wrong + :x", "text"),
    ],
)
def test_what_a_new_parameter_is_is_told_from_its_place(eve: Client, statement: str, kind: str) -> None:
    page = run(eve, statement)

    assert "New here: :x." in unescape(page)
    assert re.search(rf'name="type-x".*<option value="{kind}" selected>', page)


def test_a_new_parameter_that_is_saved_at_once_has_its_type(editor: Client) -> None:
    editor.post(QUERY, {"action": "save_as", "name": "N", "statement": "SELECT now() - :days * interval '1 day'"})

    assert SavedQuery.objects.get(name="N").parameters == [{"name": "days", "type": "number", "default": ""}]


def test_a_text_where_a_number_belongs_is_told_with_what_to_do(eve: Client) -> None:
    page = run(eve, "SELECT :days * interval '1 day'", **{"type-days": "text", "value-days": "7"})

    assert "operator does not exist: text * interval" in page
    assert ":days is Text: say beside the value if it is a number or a date." in page


def test_a_value_of_the_wrong_type_is_told(eve: Client) -> None:
    page = run(eve, "SELECT :days + 1", **{"type-days": "integer", "value-days": "many"})

    assert ":days is a whole number such as 24, not “many”." in page


def test_times_are_on_the_readers_clock(eve: Client) -> None:
    eve.cookies["lm_tz"] = "Europe/Berlin"

    assert cells(run(eve, "SELECT timestamptz '2026-07-01T12:00Z' AS at"))[1] == ["2026-07-01 14:00:00+02"]


def test_an_error_is_marked_where_it_is(eve: Client) -> None:
    page = run(eve, "SELECT event,\n  wrong -- no\nFROM events")

    assert "column &quot;wrong&quot; does not exist" in page
    assert '<span class="lm-muted">2</span>    <mark>wrong</mark> -- no</code>' in page
    assert "The columns of each view are listed beside." in page
    assert "wrong -- no\nFROM events</textarea>" in page


@pytest.mark.parametrize(
    "statement", ["", "DELETE FROM events", "SELECT 1; SELECT 2", "SELECT pg_sleep(1)", "SELECT 1 +"]
)
def test_what_cannot_be_asked_is_told(eve: Client, statement: str) -> None:
    page = run(eve, statement)

    assert 'role="alert"' in page
    assert 'aria-label="The answer"' not in page


def test_it_tells_when_time_was_up(eve: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "TIMEOUT_SECONDS", 1)

    assert "It took longer than 1 seconds" in run(eve, "SELECT count(*) FROM generate_series(1, 1000000000000)")


def test_it_tells_when_there_is_more(eve: Client) -> None:
    page = run(eve, "SELECT generate_series(1, 5000) AS n")

    assert "1,000 rows in " in page
    assert "There are more: the first 1,000 are shown, and up to 10,000 are in the files." in page
    assert len(cells(page)) == 1001


def test_without_its_role_it_asks_nothing_and_says_what_to_run(eve: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise UnavailableError("Have an operator make it.", "CREATE ROLE liftmon_query LOGIN;")

    monkeypatch.setattr(page_module, "ask", refuse)

    page = run(eve, "SELECT 1")

    assert "Have an operator make it." in page
    assert "<code>CREATE ROLE liftmon_query LOGIN;</code>" in page


def test_texts_are_never_markup(transactional_db: None, sender: Sender, eve: Client, editor: Client) -> None:
    evil = "<script>alert(1)</script>"
    sender.store({"event": evil, "severity": "error", "message": evil, "user_id": evil})
    statement = f"SELECT event, message, '{evil}' AS \"{evil}\", 1 AS n FROM events"

    pages = [
        run(eve, statement, name=evil, chart_kind="bar", chart_x="event", chart_y="n"),
        run(eve, f"SELECT {evil}"),
        run(eve, f"SELECT :{evil}", name=evil, chart_kind=evil, chart_x=evil, chart_y=evil),
    ]
    editor.post(QUERY, {"action": "save_as", "name": evil, "description": evil, "statement": statement})
    pages.append(eve.get(QUERY).content.decode())

    for page in pages:
        assert evil in unescape(page)
        assert evil not in page


def test_what_a_cell_names_is_linked_to_its_events(transactional_db: None, sender: Sender, eve: Client) -> None:
    sender.store(
        {"event": "api_error", "severity": "error", "endpoint": "/api/jobs", "user_id": "u"},
        {"event": "api_error", "severity": "error", "endpoint": "/api/career"},
    )

    page = run(eve, "SELECT event, endpoint, user_id, issue_id FROM events WHERE endpoint = '/api/jobs'")

    links = [unescape(link) for link in re.findall(r'<td[^>]*><a href="([^"]+)"', page)]
    assert len(links) == 4
    for link, rows in zip(links, (2, 1, 1, 1), strict=True):
        listed = eve.get(link).content.decode()
        assert len(set(re.findall(r"/admin/events/event/[0-9a-f-]{36}/", listed))) == rows


def test_a_chart_is_drawn_from_the_answer(eve: Client) -> None:
    page = run(
        eve,
        "SELECT * FROM (VALUES ('a', 1, 2.5), (NULL, 3, 'NaN'), ('', NULL, 4)) AS v (word, one, two)",
        chart_kind="bar",
        chart_x="word",
        chart_y="one, two",
    )

    chart = json.loads(re.findall(r'id="lm-answer-chart" type="application/json">(.*?)</script>', page)[0])
    assert chart["labels"] == ["a", "–", "(empty)"]
    assert [(one["label"], one["data"]) for one in chart["datasets"]] == [
        ("one", [1, 3, None]), ("two", [2.5, None, 4]),
    ]  # fmt: skip
    assert '<th scope="row">–</th><td>3</td><td>–</td>' in page


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ("word", "gone", "no column “gone”"),
        ("gone", "number", "no column “gone”"),
        ("word", "", "no columns named for it"),
        ("number", "word", "“word” is not a column of numbers"),
    ],
)
def test_it_says_why_there_is_no_chart(eve: Client, x: str, y: str, words: str) -> None:
    page = run(eve, "SELECT 'a' AS word, 1 AS number", chart_kind="line", chart_x=x, chart_y=y)

    assert words in page
    assert len(cells(page)) == 2


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    monkeypatch.setattr(page_module, "logger", structlog.get_logger())
    with structlog.testing.capture_logs() as entries:
        yield entries


def test_every_run_is_logged_without_what_was_asked(
    eve: Client, saved: SavedQuery, log: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(eve, "SELECT 'anna@example.com' FROM generate_series(1, 3)", path=address(saved))
    run(eve, "SELECT anna FROM events")
    run(eve, "DROP TABLE anna")
    eve.post(QUERY, {"action": "csv", "statement": "SELECT 'anna'"})

    told = [entry for entry in log if entry["event"] == "question asked"]
    assert [entry["outcome"] for entry in told] == ["answered", "failed", "refused", "answered"]
    assert [entry["rows"] for entry in told] == [3, 0, 0, 1]
    assert [entry["question"] for entry in told] == [saved.pk, None, None, None]
    assert {entry["user"] for entry in told} == {User.objects.get(username="eve").pk}
    assert all(isinstance(entry["took_ms"], int) for entry in told)
    assert "anna" not in str(log)
